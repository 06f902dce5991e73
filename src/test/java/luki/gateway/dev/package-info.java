/**
 * What {@code make run} starts: the gateway with a stand-in for each service that has no address.
 */
package luki.gateway.dev;
