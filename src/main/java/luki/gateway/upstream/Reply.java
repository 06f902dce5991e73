package luki.gateway.upstream;

import luki.gateway.http.ApiError;
import luki.gateway.http.Body;
import org.jspecify.annotations.Nullable;

/** What a unary call yields. */
public sealed interface Reply {
  /** How long the call took, attempts included. */
  long nanos();

  /** A whole reply of any status. */
  record Got(int status, @Nullable String retryAfter, Body body, long nanos) implements Reply {}

  /** No whole reply. */
  record Failed(ApiError error, long nanos) implements Reply {}
}
