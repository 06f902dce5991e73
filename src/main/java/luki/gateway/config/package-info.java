/** Settings from the environment and {@code config/gateway.yaml}, and the audit of them. */
@NullMarked
package luki.gateway.config;

import org.jspecify.annotations.NullMarked;
