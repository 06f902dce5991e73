/** HTTP exchanges to values and back, routing, and the drain. */
@NullMarked
package luki.gateway.server;

import org.jspecify.annotations.NullMarked;
