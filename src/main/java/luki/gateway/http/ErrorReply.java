package luki.gateway.http;

import java.time.Duration;
import java.util.TreeSet;
import luki.gateway.http.Route.Version;
import luki.gateway.json.Json;
import luki.gateway.json.JsonSchema.Violation;
import luki.http1.Fields;
import org.jspecify.annotations.Nullable;

/** The one shape of every error, and the fields that go with it. */
public final class ErrorReply {
  private ErrorReply() {}

  /** The reply with the error body of its version, keeping what was learned on the way. */
  public static Response render(
      Response refused, ApiError error, String traceId, @Nullable Version version) {
    Json body = envelope(error, traceId);
    Response envelope = Response.json(error.status(), version == null ? body : version.error(body));
    Fields.Builder headers = new Fields.Builder();
    headers.addAll(refused.headers()).addAll(envelope.headers());
    challenge(error, headers);
    return refused.withHeaders(headers.build()).with(envelope.body());
  }

  /**
   * {@code {"error": {code, message, trace_id}}}, with the places of a request that is not valid.
   */
  public static Json envelope(ApiError error, String traceId) {
    Json.Builder inner =
        Json.object()
            .put("code", error.code().name())
            .put("message", error.message())
            .put("trace_id", traceId);
    if (error instanceof ApiError.Invalid invalid) {
      inner.put("details", Json.array(invalid.details().stream().map(ErrorReply::json).toList()));
    }
    return Json.object().put("error", inner.build()).build();
  }

  private static Json json(Violation detail) {
    Json.Builder json = Json.object().put("pointer", detail.pointer()).put("rule", detail.rule());
    return detail.line() > 0
        ? json.put("line", detail.line()).put("column", detail.column()).build()
        : json.build();
  }

  private static void challenge(ApiError error, Fields.Builder headers) {
    switch (error) {
      // RFC 6750 §3: no error code where no credential was sent.
      case ApiError.Unauthenticated(boolean presented, _) ->
          headers.add(
              "WWW-Authenticate",
              presented
                  ? "Bearer realm=\"luki\", error=\"invalid_token\""
                  : "Bearer realm=\"luki\"");
      case ApiError.MissingScope missing ->
          headers.add(
              "WWW-Authenticate",
              "Bearer realm=\"luki\", error=\"insufficient_scope\", scope=\""
                  + String.join(" ", Scope.names(missing.needed()))
                  + "\"");
      // RFC 9110 §15.5.6
      case ApiError.WrongMethod wrong ->
          headers.add(
              "Allow",
              String.join(", ", new TreeSet<>(wrong.allowed().stream().map(Enum::name).toList())));
      case ApiError.Plain _, ApiError.FromUpstream _, ApiError.Invalid _, ApiError.Specific _ -> {}
    }
    Duration wait = error.retryAfter();
    if (wait != null) {
      // Whole seconds, rounded up: a retry before that would fail.
      headers.add(
          "Retry-After", Long.toString(Math.max(1, wait.plusNanos(999_999_999).toSeconds())));
    }
  }
}
