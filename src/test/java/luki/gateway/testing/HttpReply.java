package luki.gateway.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;

/**
 * A whole reply.
 *
 * @param headers the lines of each name, looked up without case
 * @param rest what came after the head, before it was decoded
 */
public record HttpReply(int status, Map<String, List<String>> headers, String body, String rest) {
  public List<String> all(String name) {
    return headers.getOrDefault(name, List.of());
  }

  /** The first line of that name. */
  public Optional<String> header(String name) {
    return all(name).stream().findFirst();
  }

  /** The value of a header that must be there exactly once. */
  public String only(String name) {
    if (all(name).size() != 1) {
      throw new AssertionError(name + " is there " + all(name).size() + " times: " + this);
    }
    return all(name).getFirst();
  }

  /** Itself, where it has this status. */
  public HttpReply expect(int wanted) {
    assertEquals(wanted, status, this::toString);
    return this;
  }

  /** Itself, where it has this status, and this code in its envelope. */
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

  /** The error code of the envelope, "" where there is none. */
  public String code() {
    return json().at("error").at("code").string("");
  }
}
