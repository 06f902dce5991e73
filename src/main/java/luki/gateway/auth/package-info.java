/** Who is calling and what they may do: keys, tokens, access decisions, consent. */
@NullMarked
package luki.gateway.auth;

import org.jspecify.annotations.NullMarked;
