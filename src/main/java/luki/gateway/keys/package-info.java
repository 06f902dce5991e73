/**
 * API keys: their text, the file of their hashes, and the store that the gateway looks them up in.
 */
@NullMarked
package luki.gateway.keys;

import org.jspecify.annotations.NullMarked;
