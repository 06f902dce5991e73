/** The OpenAPI document, compiled into the routes that the gateway serves. */
@NullMarked
package luki.gateway.contract;

import org.jspecify.annotations.NullMarked;
