/** Webhooks of callers, and jobs: calls whose result is pushed to a webhook when it is there. */
@NullMarked
package luki.gateway.webhook;

import org.jspecify.annotations.NullMarked;
