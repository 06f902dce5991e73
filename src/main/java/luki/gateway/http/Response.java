package luki.gateway.http;

import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import luki.gateway.json.Json;
import luki.http1.Fields;
import org.jspecify.annotations.Nullable;

/**
 * A reply as a value, together with what was learned on the way to it.
 *
 * @param onComplete called once after the reply was sent, or could not be; inner steps first
 */
public record Response(
    int status, Fields headers, Body body, Outcome outcome, Consumer<Delivery> onComplete) {
  private static final Fields JSON = Fields.of("Content-Type", "application/json; charset=utf-8");

  /**
   * The head of every event stream. Some clients take a text without a charset for ISO-8859-1; the
   * last line keeps a router from holding events back.
   */
  public static final Fields EVENT_STREAM =
      Fields.of(
          "Content-Type", "text/event-stream; charset=utf-8",
          "Cache-Control", "no-cache",
          "X-Accel-Buffering", "no");

  public Response(int status, Fields headers, Body body) {
    this(status, headers, body, Outcome.NONE, _ -> {});
  }

  public static Response json(int status, Json json) {
    return json(status, Body.of(json.bytes()));
  }

  public static Response json(int status, Json.Builder json) {
    return json(status, json.build());
  }

  /** A body that is known to be JSON. */
  public static Response json(int status, Body json) {
    return new Response(status, JSON, json);
  }

  public static Response text(int status, String contentType, String text) {
    return bytes(status, contentType, text.getBytes(StandardCharsets.UTF_8));
  }

  public static Response bytes(int status, String contentType, byte[] bytes) {
    return new Response(status, Fields.of("Content-Type", contentType), Body.of(bytes));
  }

  public static Response empty(int status) {
    return new Response(status, Fields.NONE, Body.EMPTY);
  }

  /** An error that has yet to get its envelope. */
  public static Response refused(ApiError error) {
    return new Response(error.status(), Fields.NONE, Body.EMPTY, Outcome.NONE.with(error), _ -> {});
  }

  public Response with(String header, String value) {
    return withHeaders(headers.with(header, value));
  }

  /** Adds these lines, in place of any of the same names. */
  public Response with(Fields lines) {
    return withHeaders(headers.with(lines));
  }

  public Response withHeaders(Fields all) {
    return new Response(status, all, body, outcome, onComplete);
  }

  public Response with(Body other) {
    return new Response(status, headers, other, outcome, onComplete);
  }

  /** The same with another status. */
  public Response as(int other) {
    return new Response(other, headers, body, outcome, onComplete);
  }

  public Response by(Principal principal) {
    return new Response(status, headers, body, outcome.with(principal), onComplete);
  }

  /** Adds which service the reply came from and how long that took. */
  public Response from(Outcome upstream) {
    return new Response(status, headers, body, outcome.withUpstream(upstream), onComplete);
  }

  public Response onComplete(Consumer<Delivery> action) {
    return new Response(status, headers, body, outcome, onComplete.andThen(action));
  }

  /**
   * How the sending of a reply ended.
   *
   * @param status that was sent, or {@link #UNANSWERED}
   * @param bytes of the body that were handed to the socket
   * @param streamError the error that a stream ended with after its status was sent
   */
  public record Delivery(End end, int status, long bytes, @Nullable ErrorCode streamError) {
    /** No status was sent, as the client left before; it is logged and counted as this one. */
    public static final int UNANSWERED = 499;

    public boolean isAnswered() {
      return status != UNANSWERED;
    }

    /** Complete; the client left; or the gateway aborted because the source failed. */
    public enum End {
      COMPLETE,
      CLIENT_CLOSED,
      ABORTED
    }
  }

  /**
   * What was learnt on the way to a reply, for the log and the metrics.
   *
   * @param refusal the error, when the reply is one
   * @param principal who called, once that was known
   * @param upstream the service that mattered most
   * @param version of that service, where it has several
   * @param upstreamNanos time spent waiting for it
   */
  public record Outcome(
      @Nullable ApiError refusal,
      @Nullable Principal principal,
      @Nullable Upstream upstream,
      @Nullable UpstreamVersion version,
      long upstreamNanos) {
    public static final Outcome NONE = new Outcome(null, null, null, null, 0);

    public static Outcome upstream(Upstream who, @Nullable UpstreamVersion version, long nanos) {
      return new Outcome(null, null, who, version, nanos);
    }

    Outcome with(Principal who) {
      return new Outcome(refusal, who, upstream, version, upstreamNanos);
    }

    Outcome with(ApiError error) {
      return new Outcome(error, principal, upstream, version, upstreamNanos);
    }

    Outcome withUpstream(Outcome other) {
      return new Outcome(refusal, principal, other.upstream, other.version, other.upstreamNanos);
    }
  }
}
