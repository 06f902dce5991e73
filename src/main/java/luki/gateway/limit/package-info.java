/** Rate limits and quotas, in memory or in Redis. */
@NullMarked
package luki.gateway.limit;

import org.jspecify.annotations.NullMarked;
