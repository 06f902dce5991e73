/** What a caller sees: requests generated from the contract in force, sent as exact bytes. */
package luki.gateway.surface;
