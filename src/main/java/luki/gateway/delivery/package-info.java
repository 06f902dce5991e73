/** The durable outbox: events that are delivered at least once, in order. */
@NullMarked
package luki.gateway.delivery;

import org.jspecify.annotations.NullMarked;
