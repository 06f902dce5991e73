/** The command line, and the one place where everything is put together. */
@NullMarked
package luki.gateway.cli;

import org.jspecify.annotations.NullMarked;
