/** One class a route family: what a route does once every filter has let the request through. */
@NullMarked
package luki.gateway.handler;

import org.jspecify.annotations.NullMarked;
