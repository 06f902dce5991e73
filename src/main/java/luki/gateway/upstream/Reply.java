package luki.gateway.upstream;

import java.net.http.HttpResponse;
import luki.gateway.http.ApiError;
import luki.gateway.http.Body;
import org.jspecify.annotations.Nullable;

/** What a unary call yields. */
public sealed interface Reply {
  /** How long the call took, attempts included. */
  long nanos();

  /** A whole reply of any status. */
  record Got(int status, @Nullable String retryAfter, Body body, long nanos) implements Reply {
    static Got of(HttpResponse<byte[]> response) {
      return new Got(
          response.statusCode(),
          response.headers().firstValue("retry-after").orElse(null),
          Body.of(response.body()),
          0);
    }
  }

  /** No whole reply. */
  record Failed(ApiError error, long nanos) implements Reply {}
}
