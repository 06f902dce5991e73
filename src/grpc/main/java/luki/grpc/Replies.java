package luki.grpc;

import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import java.util.List;
import java.util.Locale;
import luki.gateway.http.ApiError;
import luki.gateway.http.ErrorCode;
import luki.gateway.json.JsonSchema.Violation;
import luki.http1.Fields;
import org.jspecify.annotations.Nullable;

/** The status and the metadata that a client gets beside the messages. */
final class Replies {
  /** The gateway's code of an error, as HTTP has it in the body. */
  static final Metadata.Key<String> ERROR_CODE = MetadataRules.text("x-error-code");

  static final Metadata.Key<String> TRACE_ID = MetadataRules.text("x-trace-id");

  private static final List<String> FIELDS =
      List.of("X-Request-Id", "X-Trace-Id", "RateLimit", "RateLimit-Policy", "Retry-After");

  private Replies() {}

  /** What the chain has added to a reply, as far as it says something to a client of gRPC. */
  static void addTo(Metadata metadata, Fields fields) {
    for (String name : FIELDS) {
      String value = fields.first(name);
      if (value != null) {
        metadata.put(MetadataRules.text(name.toLowerCase(Locale.ROOT)), value);
      }
    }
  }

  /**
   * Ends a call with an error.
   *
   * @param as the status, null for the usual one
   * @param trailers to which the code is added
   */
  static void close(
      ServerCall<?, ?> call, ApiError error, Status.@Nullable Code as, Metadata trailers) {
    ErrorCode code = error.code();
    trailers.put(ERROR_CODE, code.name());
    Status.Code status = as == null ? Statuses.of(code) : as;
    call.close(status.toStatus().withDescription(description(error)), trailers);
  }

  private static String description(ApiError error) {
    StringBuilder text = new StringBuilder(error.message());
    if (error instanceof ApiError.Invalid(List<Violation> details)) {
      details.forEach(
          detail -> text.append("; ").append(detail.pointer()).append(' ').append(detail.rule()));
    }
    return text.toString();
  }
}
