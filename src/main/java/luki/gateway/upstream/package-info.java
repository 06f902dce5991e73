/**
 * Calls to the services behind the gateway: headers, deadlines, retries, breakers, event streams.
 */
@NullMarked
package luki.gateway.upstream;

import org.jspecify.annotations.NullMarked;
