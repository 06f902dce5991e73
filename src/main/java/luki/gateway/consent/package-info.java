/** Asks the security service for users' consent. */
@NullMarked
package luki.gateway.consent;

import org.jspecify.annotations.NullMarked;
