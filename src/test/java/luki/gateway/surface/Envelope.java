package luki.gateway.surface;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Set;
import luki.gateway.http.ApiError;
import luki.gateway.http.ErrorCode;
import luki.gateway.json.Json;
import luki.gateway.json.JsonSchema;
import luki.gateway.testing.HttpReply;

/** What all error replies have in common. */
final class Envelope {
  private static final Json DOCUMENT = ContractOperation.document();
  private static final JsonSchema ERROR =
      JsonSchema.compile(DOCUMENT.pointer("/components/schemas/Error"), DOCUMENT.at("components"));

  private Envelope() {}

  /** {@code template} is the route's: below {@code /v1} replies have {@code no-store}. */
  static void holds(HttpReply answer, String template, int status, String code) {
    if (template.startsWith("/api/")) {
      isOld(answer, status, code);
      return;
    }
    assertEquals(status + " " + code, answer.status() + " " + codeOf(answer), answer::toString);
    assertEquals("application/json; charset=utf-8", answer.only("Content-Type"));
    headersHold(answer, template.startsWith("/v1"));
    Json error = answer.json().at("error");
    assertEquals(Set.of("error"), answer.json().members().keySet());
    assertEquals(List.of(), ERROR.validate(answer.json()), answer::body);
    assertEquals(answer.only("X-Trace-Id"), error.at("trace_id").string());
    assertFalse(error.at("message").string("").isBlank());
    boolean detailed = code.equals("INVALID_REQUEST");
    assertEquals(
        detailed
            ? Set.of("code", "message", "trace_id", "details")
            : Set.of("code", "message", "trace_id"),
        error.members().keySet());
    assertEquals(detailed, error.at("details").size() > 0, answer::body);
    for (Json detail : error.at("details").items()) {
      boolean located = detail.at("rule").string("").equals("json");
      assertEquals(
          located ? Set.of("pointer", "rule", "line", "column") : Set.of("pointer", "rule"),
          detail.members().keySet());
      assertTrue(detail.at("pointer").string("?").matches("(?s)(/.*)?"), answer::body);
      assertFalse(detail.at("rule").string("").isBlank(), answer::body);
    }
    assertFalse(answer.toString().contains(Cases.MARKER), () -> "quotes a value: " + answer);
  }

  /** Version 0: the message alone, and the same status and headers. */
  private static void isOld(HttpReply answer, int status, String code) {
    String message = ApiError.of(ErrorCode.valueOf(code)).message();
    assertEquals(status, answer.status(), answer::toString);
    assertEquals("application/json; charset=utf-8", answer.only("Content-Type"));
    headersHold(answer, true);
    assertEquals(Set.of("detail"), answer.json().members().keySet());
    String detail = answer.json().at("detail").string("");
    // A credential that is not one at all is answered with how to send one.
    boolean anyText = code.equals("UNAUTHENTICATED") && detail.startsWith("Write '");
    assertEquals(
        message, anyText ? message : detail.replaceFirst("^[A-Z][a-z]+ service", "The service"));
    for (String name : List.of("Deprecation", "Sunset", "Link")) {
      assertFalse(answer.only(name).isBlank(), name);
    }
    assertFalse(answer.toString().contains(Cases.MARKER), () -> "quotes a value: " + answer);
  }

  private static String codeOf(HttpReply answer) {
    return answer.body().startsWith("{") ? answer.code() : "without JSON";
  }

  /** The headers of every reply; with {@code noStore} also {@code Cache-Control}. */
  static void headersHold(HttpReply answer, boolean noStore) {
    assertTrue(answer.only("X-Request-Id").matches("[A-Za-z0-9._-]{1,128}"), answer::toString);
    assertTrue(answer.only("X-Trace-Id").matches("[0-9a-f]{32}"), answer::toString);
    Map<String, String> exact =
        Map.of(
            "X-Content-Type-Options", "nosniff",
            "Referrer-Policy", "no-referrer",
            "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
    exact.forEach((name, value) -> assertEquals(value, answer.only(name)));
    if (noStore) {
      assertEquals("no-store", answer.only("Cache-Control"));
    }
    assertEquals(List.of(), answer.all("X-Powered-By"));
    assertEquals(List.of(), answer.all("Server"));
  }

  static void names(HttpReply answer, String pointer) {
    if (!answer.json().at("detail").isMissing()) {
      return; // Version 0 names no place.
    }
    List<String> pointers =
        answer.json().at("error").at("details").items().stream()
            .map(detail -> detail.at("pointer").string(""))
            .toList();
    assertTrue(
        pointers.stream().anyMatch(p -> p.equals(pointer) || p.startsWith(pointer + "/")),
        () -> pointer + " is not among " + pointers);
  }
}
