package luki.gateway.http;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import luki.gateway.json.Json;

/**
 * A reply as a value, together with what was learnt on the way to it.
 *
 * @param whenSent told once, in order, after the reply has left or could not leave
 */
public record Response(
    int status, Headers headers, Body body, Facts facts, List<Consumer<Sent>> whenSent) {
  private static final Headers JSON = Headers.of("Content-Type", "application/json; charset=utf-8");

  public Response {
    whenSent = List.copyOf(whenSent);
  }

  public static Response json(int status, Json json) {
    return json(status, json.bytes());
  }

  /** Bytes that are known to be JSON. */
  public static Response json(int status, byte[] json) {
    return new Response(status, JSON, Body.of(json), Facts.NONE, List.of());
  }

  /** A body that is known to be JSON. */
  public static Response json(int status, Body json) {
    return new Response(status, JSON, json, Facts.NONE, List.of());
  }

  public static Response text(int status, String contentType, String text) {
    return bytes(status, contentType, text.getBytes(StandardCharsets.UTF_8));
  }

  public static Response bytes(int status, String contentType, byte[] bytes) {
    Headers headers = Headers.of("Content-Type", contentType);
    return new Response(status, headers, Body.of(bytes), Facts.NONE, List.of());
  }

  public static Response empty(int status) {
    return new Response(status, Headers.NONE, Body.EMPTY, Facts.NONE, List.of());
  }

  /** An error that has yet to get its envelope. */
  public static Response refused(ApiError error) {
    return new Response(
        error.status(), Headers.NONE, Body.EMPTY, Facts.NONE.with(error), List.of());
  }

  public Response with(String header, String value) {
    return new Response(status, headers.with(header, value), body, facts, whenSent);
  }

  public Response with(Headers lines) {
    return new Response(status, lines, body, facts, whenSent);
  }

  public Response with(Body other) {
    return new Response(status, headers, other, facts, whenSent);
  }

  public Response by(Principal principal) {
    return new Response(status, headers, body, facts.with(principal), whenSent);
  }

  /** Adds which service the reply came from and how long that took. */
  public Response from(Facts upstream) {
    return new Response(status, headers, body, facts.withUpstream(upstream), whenSent);
  }

  public Response whenSent(Consumer<Sent> action) {
    List<Consumer<Sent>> all = new ArrayList<>(whenSent);
    all.add(action);
    return new Response(status, headers, body, facts, all);
  }
}
