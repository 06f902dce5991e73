/**
 * Stream tickets: what a page in a browser presents in a URL where it cannot set headers. A ticket
 * is used once, within half a minute, for one path and one query.
 */
@NullMarked
package luki.gateway.ticket;

import org.jspecify.annotations.NullMarked;
