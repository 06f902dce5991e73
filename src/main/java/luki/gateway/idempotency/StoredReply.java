package luki.gateway.idempotency;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import luki.gateway.http.ApiError;
import luki.gateway.http.Body;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.ErrorReply;
import luki.gateway.http.Response;
import luki.gateway.http.Upstream;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.json.JsonSchema.Violation;
import luki.http1.Fields;
import org.jspecify.annotations.Nullable;

/**
 * A reply as bytes: a line of JSON with its status, fields and error, then its body. An error is
 * stored without its envelope, so that a repeat has its own trace id.
 */
final class StoredReply {
  private StoredReply() {}

  static int bodyBytes(Response response) {
    return response.body() instanceof Body.Bytes whole ? whole.bytes().length : 0;
  }

  /** Null where the reply is not to be kept. */
  static byte @Nullable [] encode(Response response, int maxBytes) {
    if (!isKept(response.status())
        || response.body() instanceof Body.Stream
        || bodyBytes(response) > maxBytes) {
      return null;
    }
    List<String> lines = new ArrayList<>();
    response.headers().forEach((name, value) -> lines.addAll(List.of(name, value)));
    Json.Builder head = Json.object().put("status", response.status());
    head.put("fields", Json.strings(lines));
    ApiError error = response.outcome().refusal();
    if (error != null && !put(error, head)) {
      return null;
    }
    byte[] line = (head.build() + "\n").getBytes(StandardCharsets.UTF_8);
    byte[] body = Body.bytesOf(response.body());
    if (line.length + body.length > maxBytes) {
      return null;
    }
    byte[] all = Arrays.copyOf(line, line.length + body.length);
    System.arraycopy(body, 0, all, line.length, body.length);
    return all;
  }

  /** Of a failure and of a refusal of the caller, as it is now, another try may end otherwise. */
  private static boolean isKept(int status) {
    return status < 500 && status != 401 && status != 403 && status != 429;
  }

  private static boolean put(ApiError error, Json.Builder head) {
    head.put("code", error.code().name());
    Duration wait = error.retryAfter();
    if (wait != null) {
      head.put("retry_seconds", wait.toSeconds());
    }
    switch (error) {
      case ApiError.Plain _ -> {}
      case ApiError.FromUpstream from -> head.put("upstream", from.who().name());
      case ApiError.Invalid _ ->
          head.put("details", ErrorReply.envelope(error, "").pointer("/error/details"));
      case ApiError.Unauthenticated _,
          ApiError.MissingScope _,
          ApiError.Specific _,
          ApiError.WrongMethod _ -> {
        return false;
      }
    }
    return true;
  }

  static Response decode(byte[] bytes) {
    int end = 0;
    while (bytes[end] != '\n') {
      end++;
    }
    try {
      Json head = Json.parse(Arrays.copyOf(bytes, end));
      if (!head.at("code").isMissing()) {
        return Response.refused(error(head));
      }
      Fields.Builder fields = new Fields.Builder();
      List<Json> lines = head.at("fields").items();
      for (int i = 0; i < lines.size(); i += 2) {
        fields.add(lines.get(i).string(""), lines.get(i + 1).string(""));
      }
      int status = (int) head.at("status").integer().orElseThrow();
      Body body = Body.of(Arrays.copyOfRange(bytes, end + 1, bytes.length));
      return new Response(status, fields.build(), body);
    } catch (InvalidJson cannotBe) {
      throw new IllegalStateException(cannotBe);
    }
  }

  private static ApiError error(Json head) {
    ErrorCode code = ErrorCode.valueOf(head.at("code").string(""));
    Json seconds = head.at("retry_seconds");
    Duration wait =
        seconds.isMissing() ? null : Duration.ofSeconds(seconds.integer().orElseThrow());
    String upstream = head.at("upstream").string();
    if (upstream != null) {
      return new ApiError.FromUpstream(Upstream.valueOf(upstream), code, wait);
    }
    if (code != ErrorCode.INVALID_REQUEST) {
      return new ApiError.Plain(code, wait);
    }
    List<Violation> details = new ArrayList<>();
    for (Json detail : head.at("details").items()) {
      details.add(
          new Violation(
              detail.at("pointer").string(""),
              detail.at("rule").string(""),
              (int) detail.at("line").integer().orElse(0),
              (int) detail.at("column").integer().orElse(0)));
    }
    return new ApiError.Invalid(details);
  }
}
