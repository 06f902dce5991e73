/** API keys: their text, the file of their hashes, and the store that verifies them. */
@NullMarked
package luki.gateway.keys;

import org.jspecify.annotations.NullMarked;
