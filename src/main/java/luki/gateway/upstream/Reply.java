package luki.gateway.upstream;

import luki.gateway.http.ApiError;
import luki.gateway.http.Body;
import luki.gateway.json.Json;
import org.jspecify.annotations.Nullable;

/** What a unary call yields. */
public sealed interface Reply {
  /** How long the call took, attempts included. */
  long nanos();

  /** A whole reply of any status. */
  record Got(int status, @Nullable String retryAfter, Body body, long nanos) implements Reply {}

  /** What it takes to parse a body and to make another of it, in bytes. */
  static long memoryToUse(byte[] body) {
    return Json.memoryOf(body) + 2L * body.length;
  }

  /** No whole reply. */
  record Failed(ApiError error, long nanos) implements Reply {}
}
