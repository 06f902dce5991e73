/** The vocabulary of the gateway: values and interfaces that every other room speaks in. */
@NullMarked
package luki.gateway.http;

import org.jspecify.annotations.NullMarked;
