/** The log, the diagnostics and the metrics. */
@NullMarked
package luki.gateway.observe;

import org.jspecify.annotations.NullMarked;
