package luki.gateway.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;

/**
 * A complete reply.
 *
 * @param headers the values of each name, case-insensitive
 * @param rest the bytes after the head, not decoded
 */
public record HttpReply(int status, Map<String, List<String>> headers, String body, String rest) {
  public List<String> all(String name) {
    return headers.getOrDefault(name, List.of());
  }

  /** The first value of a header. */
  public Optional<String> header(String name) {
    return all(name).stream().findFirst();
  }

  /** The value of a header that must occur exactly once. */
  public String only(String name) {
    if (all(name).size() != 1) {
      throw new AssertionError(name + " is there " + all(name).size() + " times: " + this);
    }
    return all(name).getFirst();
  }

  /** This reply; fails when it has another status. */
  public HttpReply expect(int wanted) {
    assertEquals(wanted, status, this::toString);
    return this;
  }

  /** This reply; fails when it has another status or error code. */
  public HttpReply expect(int wanted, String code) {
    assertEquals(wanted + " " + code, status + " " + code(), this::toString);
    return this;
  }

  public Json json() {
    try {
      return Json.parse(body.getBytes(StandardCharsets.UTF_8));
    } catch (InvalidJson notJson) {
      throw new AssertionError("not JSON: " + this, notJson);
    }
  }

  /** The error code of the envelope, or "". */
  public String code() {
    return json().at("error").at("code").string("");
  }
}
