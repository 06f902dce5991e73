/** The durable outbox: what has to reach somebody else at least once, in order. */
@NullMarked
package luki.gateway.delivery;

import org.jspecify.annotations.NullMarked;
