/** What a caller sees: requests generated from the contract in force, sent byte by byte. */
package luki.gateway.surface;
