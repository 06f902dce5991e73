/** JWTs: those of end users and internal services are verified, the gateway's own are signed. */
@NullMarked
package luki.gateway.tokens;

import org.jspecify.annotations.NullMarked;
