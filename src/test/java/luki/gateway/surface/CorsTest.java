package luki.gateway.surface;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.TestGateway;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** CORS allows exactly the listed origins, and never with credentials. */
class CorsTest {
  private static final String LISTED = "https://app.luki.test";
  private static final String LISTED_TOO = "http://localhost:5173";

  @AutoClose
  private static final TestGateway GATEWAY =
      TestGateway.builder()
          .with("CORS_ALLOWED_ORIGINS", LISTED + "," + LISTED_TOO)
          .with("MAX_BODY_BYTES", "4096")
          .start();

  @AutoClose private static final TestGateway UNLISTED = TestGateway.builder().start();

  private final Ask chat = ContractOperation.named("chat").good();

  private static void allows(Ask ask, int status, String origin) {
    allows(ask.sendTo(GATEWAY), status, origin);
  }

  private static void allows(HttpReply answer, int status, String origin) {
    assertEquals(status, answer.status());
    assertEquals(origin, answer.only("Access-Control-Allow-Origin"));
    assertEquals(List.of(), answer.all("Access-Control-Allow-Credentials"));
    assertEquals(
        names("X-Request-Id, X-Trace-Id, RateLimit, RateLimit-Policy, Retry-After"),
        names(answer.only("Access-Control-Expose-Headers")));
    assertTrue(names(answer.only("Vary")).contains("origin"), answer::toString);
  }

  private static void allowsNothing(HttpReply answer) {
    List<String> found =
        answer.headers().keySet().stream()
            .filter(name -> name.toLowerCase(Locale.ROOT).startsWith("access-control-"))
            .toList();
    assertEquals(List.of(), found);
  }

  private static Set<String> names(String list) {
    Set<String> names = new TreeSet<>();
    for (String name : list.split(",", -1)) {
      names.add(name.strip().toLowerCase(Locale.ROOT));
    }
    return names;
  }

  @Test
  void S11_aListedOriginIsAllowedOnSuccessesAndErrors() {
    Callers callers = new Callers(GATEWAY);
    for (String origin : List.of(LISTED, LISTED_TOO)) {
      Ask from = chat.header("Origin", origin);
      Ask known = from.as(callers.full());
      Ask get = Ask.of("GET", "/healthz").header("Origin", origin);
      allows(get, 200, origin);
      allows(get.template("/healthz/%2e%2e"), 400, origin);
      allows(known.body("{"), 400, origin);
      allows(from, 401, origin);
      allows(from.as(Cases.MARKER), 401, origin);
      Ask unscoped = from.as(callers.without(ContractOperation.named("chat")));
      allows(unscoped, 403, origin);
      allows(known.body("{\"user_id\":\"anna\",\"message\":\"x\"}"), 403, origin);
      allows(from.template("/v1/nowhere").body(""), 404, origin);
      allows(from.method("DELETE").body(""), 405, origin);
      allows(known.body(" ".repeat(5000)), 413, origin);
      allows(known.withoutHeader("Content-Type"), 415, origin);
      allows(from.method("BREW").body(""), 501, origin);
      allows(known, 503, origin);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "https://app.luki.test.evil.test",
        "https://app.luki.test.",
        "https://app.luki.test?x",
        "https://app.luki.test#x",
        "https://user@app.luki.test",
        "https://app.luki.test:444",
        "https:app.luki.test",
        "//app.luki.test",
        "app.luki.test",
        "app.luki.test:443",
        "wss://app.luki.test",
        "http://127.0.0.1:5173",
        "file://",
        "undefined",
        "https://evil-app.luki.test",
        "https://evilapp.luki.test",
        "https://app.luki.tes",
        "https://app.luki.test:443",
        "https://app.luki.test/",
        "https://app.luki.test@evil.test",
        "https://APP.luki.test",
        "HTTPS://app.luki.test",
        "http://app.luki.test",
        "https://luki.test",
        "https://appxluki.test",
        "http://localhost:51730",
        "http://localhost",
        "https://app.luki.test,http://localhost:5173",
        "https://app.luki.test http://localhost:5173",
        "*",
        "null",
        ""
      })
  void S11_aSimilarOriginIsNotAllowed(String origin) {
    for (Ask ask : List.of(chat, Ask.of("GET", "/healthz"), Ask.of("GET", "/nowhere"))) {
      HttpReply answer = ask.header("Origin", origin).sendTo(GATEWAY);
      allowsNothing(answer);
      assertEquals("Origin", answer.only("Vary"));
    }
    HttpReply preflight = preflight(origin).sendTo(GATEWAY).expect(204);
    allowsNothing(preflight);
    assertEquals("Origin", preflight.only("Vary"));
  }

  @Test
  void twoOriginsAreNotAllowed() {
    Ask two = chat.header("Origin", LISTED).header("Origin", LISTED_TOO);
    allowsNothing(two.sendTo(GATEWAY));
  }

  @Test
  void aRequestWithoutAnOriginStillGetsVary() {
    HttpReply answer = Ask.of("GET", "/healthz").sendTo(GATEWAY);
    allowsNothing(answer);
    assertEquals("Origin", answer.only("Vary"));
  }

  @Test
  void S11_withoutAListThereAreNoCorsHeaders() {
    for (String origin : List.of(LISTED, "null", "*")) {
      for (Ask ask : List.of(chat.header("Origin", origin), preflight(origin))) {
        HttpReply answer = ask.sendTo(UNLISTED);
        allowsNothing(answer);
        assertEquals(List.of(), answer.all("Vary"));
      }
    }
  }

  @Test
  void aPreflightNeedsNoCredentialAndListsWhatIsAllowed() {
    for (String origin : List.of(LISTED, LISTED_TOO)) {
      HttpReply answer = preflight(origin).sendTo(GATEWAY);
      allows(answer, 204, origin);
      assertEquals("", answer.rest());
      assertEquals(
          "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-API-Key, X-Request-Id,"
              + " traceparent",
          answer.only("Access-Control-Allow-Headers"));
      assertEquals("600", answer.only("Access-Control-Max-Age"));
      assertTrue(names(answer.only("Access-Control-Allow-Methods")).contains("post"));
      assertEquals("OPTIONS, POST", answer.only("Allow"));
    }
  }

  @Test
  void anOptionsThatIsNoPreflightGetsNoPreflightHeaders() {
    HttpReply answer = Ask.of("OPTIONS", "/v1/chat").header("Origin", LISTED).sendTo(GATEWAY);
    allows(answer, 204, LISTED);
    assertEquals(List.of(), answer.all("Access-Control-Allow-Headers"));
    assertEquals(List.of(), answer.all("Access-Control-Max-Age"));
  }

  @Test
  void aPreflightOutsideTheContractIsNotFound() {
    HttpReply answer = preflight(LISTED).template("/v1/nowhere").sendTo(GATEWAY);
    allows(answer, 404, LISTED);
    assertEquals(List.of(), answer.all("Access-Control-Allow-Methods"));
  }

  private static Ask preflight(String origin) {
    return Ask.of("OPTIONS", "/v1/chat")
        .header("Origin", origin)
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", "authorization,content-type");
  }
}
