/** Settings from the environment and {@code config/gateway.yaml}, and the check of them. */
@NullMarked
package luki.gateway.config;

import org.jspecify.annotations.NullMarked;
