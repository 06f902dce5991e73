/** The filter chain as one list, the wiring, start and stop. */
@NullMarked
package luki.gateway.app;

import org.jspecify.annotations.NullMarked;
