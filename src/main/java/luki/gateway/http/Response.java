package luki.gateway.http;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import luki.gateway.json.Json;
import luki.http1.Fields;

/**
 * A reply as a value, together with what was learnt on the way to it.
 *
 * @param onComplete told once, in order, after the reply has left or could not leave
 */
public record Response(
    int status, Fields headers, Body body, Outcome outcome, List<Consumer<Delivery>> onComplete) {
  private static final Fields JSON = Fields.of("Content-Type", "application/json; charset=utf-8");

  /** The head of every event stream; the last line keeps a router from holding events back. */
  public static final Fields EVENT_STREAM =
      Fields.of(
          "Content-Type", "text/event-stream",
          "Cache-Control", "no-cache",
          "X-Accel-Buffering", "no");

  public Response {
    onComplete = List.copyOf(onComplete);
  }

  public static Response json(int status, Json json) {
    return json(status, json.bytes());
  }

  /** Bytes that are known to be JSON. */
  public static Response json(int status, byte[] json) {
    return new Response(status, JSON, Body.of(json), Outcome.NONE, List.of());
  }

  /** A body that is known to be JSON. */
  public static Response json(int status, Body json) {
    return new Response(status, JSON, json, Outcome.NONE, List.of());
  }

  public static Response text(int status, String contentType, String text) {
    return bytes(status, contentType, text.getBytes(StandardCharsets.UTF_8));
  }

  public static Response bytes(int status, String contentType, byte[] bytes) {
    Fields headers = Fields.of("Content-Type", contentType);
    return new Response(status, headers, Body.of(bytes), Outcome.NONE, List.of());
  }

  public static Response empty(int status) {
    return new Response(status, Fields.NONE, Body.EMPTY, Outcome.NONE, List.of());
  }

  /** An error that has yet to get its envelope. */
  public static Response refused(ApiError error) {
    return new Response(
        error.status(), Fields.NONE, Body.EMPTY, Outcome.NONE.with(error), List.of());
  }

  public Response with(String header, String value) {
    return new Response(status, headers.with(header, value), body, outcome, onComplete);
  }

  public Response with(Fields lines) {
    return new Response(status, lines, body, outcome, onComplete);
  }

  public Response with(Body other) {
    return new Response(status, headers, other, outcome, onComplete);
  }

  public Response by(Principal principal) {
    return new Response(status, headers, body, outcome.with(principal), onComplete);
  }

  /** Adds which service the reply came from and how long that took. */
  public Response from(Outcome upstream) {
    return new Response(status, headers, body, outcome.withUpstream(upstream), onComplete);
  }

  public Response onComplete(Consumer<Delivery> action) {
    List<Consumer<Delivery>> all = new ArrayList<>(onComplete);
    all.add(action);
    return new Response(status, headers, body, outcome, all);
  }
}
