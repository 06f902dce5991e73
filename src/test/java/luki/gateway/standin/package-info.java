/** Stand-ins for the services behind the gateway, for tests and demonstrations only. */
@NullMarked
package luki.gateway.standin;

import org.jspecify.annotations.NullMarked;
