/** Long runs with everything broken at once, and what must be true afterwards. */
package luki.gateway.chaos;
