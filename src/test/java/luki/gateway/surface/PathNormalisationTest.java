package luki.gateway.surface;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import luki.gateway.standin.Fixture;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.RawHttpClient;
import luki.gateway.testing.TestGateway;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each path has one meaning: an ambiguous one is refused, and no service is called. */
class PathNormalisationTest {
  @AutoClose private static final Fixture SERVER = Fixture.start();
  private static final String KEY = new Callers(SERVER.gateway()).full();

  @AfterEach
  void noServiceWasCalled() {
    SERVER.assertNothingWasCalled("by an ambiguous path");
  }

  private static String ask(String target) {
    return "GET %s HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\nAuthorization: Bearer %s\r\n\r\n"
        .formatted(target, KEY);
  }

  private static HttpReply get(String target) {
    return RawHttpClient.exchange(
        SERVER.gateway().port(), ask(target).getBytes(StandardCharsets.ISO_8859_1));
  }

  private static HttpReply postWithoutCredential(String target) {
    return Ask.of("POST", target).header("Content-Length", "0").sendTo(SERVER.gateway());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/health/../v1/elr/items/maria_k",
        "/health/%2e%2e/v1/elr/items/maria_k",
        "/docs/..%2fv1%2felr%2fitems%2fmaria_k",
        "/health;/v1/elr/items/maria_k",
        "/v1/elr/items/maria_k;public",
        "/v1/%252e%252e/v1/elr/items/maria_k",
        "/v1/elr/items/anna/../maria_k",
        "/v1/elr/items/maria_k%2F..%2Fanna",
        "/v1/elr/items/maria_k%2fx",
        "/v1/elr/items%2Fmaria_k",
        "/v1/elr/items/maria_k%5C..%5Canna",
        "/v1/elr/items/maria_k%5cx",
        "/v1/elr/items/../items/maria_k",
        "/v1/elr/items/./maria_k",
        "/v1/elr/items/..",
        "/v1/elr/items/.",
        "/../v1/elr/items/maria_k",
        "/..",
        "/v1/elr/items/%2e%2e/items/maria_k",
        "/v1/elr/items/%2E%2E",
        "/v1/elr/items/.%2e/maria_k",
        "/v1/elr/items/%2e/maria_k",
        "/v1/elr/items/maria_k;x",
        "/v1/elr/items/maria_k;user_id=anna",
        "/v1/elr;x/items/maria_k",
        "/v1/elr/items/maria_k%3Bx",
        "/;/v1/elr/items/maria_k",
        "/v1/elr/items/maria_k%00",
        "/v1/elr/items/%00",
        "/v1/elr/items/maria_k%0a",
        "/v1/elr/items/maria_k%0d%0aX-User-Id:%20anna",
        "/v1/elr/items/maria_k%09",
        "/v1/elr/items/maria_k%1f",
        "/v1/elr/items/maria_k%7f",
        "/v1/elr/items/maria_k%c2%85",
        "/v1/elr/items/maria_k%252Fanna",
        "/v1/elr/items/%252e%252e",
        "/v1/elr/items/maria_k%2541",
        "/v1/elr/items/maria_k%255c",
        "/v1/elr/items/%25252e",
        "/v1/elr/items/maria_k%ff",
        "/v1/elr/items/%c0%ae%c0%ae",
        "/v1/elr/items/%c0%af",
        "/v1/elr/items/%ed%a0%80",
        "/v1/elr/items/%e2%82",
        "/v1/elr/items/%f4%90%80%80"
      })
  void S5_refusesAmbiguousPaths(String target) {
    Envelope.holds(get(target), target, 400, "INVALID_REQUEST");
    postWithoutCredential(target).expect(400);
  }

  /** No valid URI: the JDK's server refuses most of these itself, with a body of its own. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "/v1/elr/items/maria_k%zz",
        "/v1/elr/items/maria_k%",
        "/v1/elr/items/maria_k%4",
        "/v1/elr/items/maria_k%u002f",
        "/v1/elr/items/maria_k\\..\\anna",
        "/v1\\elr\\items\\maria_k",
        "/v1/elr/items/maria_k\u0001",
        "/v1/elr/items/maria_k\u007f",
        "/v1/elr/items/maria_k#x",
        "/v1/elr/items/<maria_k>",
        "/v1/elr/items/maria_k\u00e9",
        "/v1/elr/items/maria_k?limit=%zz",
        "v1/elr/items/maria_k",
        "?limit=1",
        "ftp://gateway.test/v1/elr/items/maria_k",
        "mailto:maria_k"
      })
  void refusesInvalidTargets(String target) {
    int status = RawHttpClient.statusOf(SERVER.gateway().port(), ask(target));
    List<Integer> allowed =
        TestGateway.isEdge() ? List.of(400) : List.of(400, 404, RawHttpClient.CLOSED);
    assertTrue(allowed.contains(status), () -> "" + status);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/v1/chatXYZ",
        "/v1/chat/streamXYZ",
        "/v1/chat/stream/more",
        "/v1/chat/stream/",
        "/api/chatXYZ",
        "/healthXYZ",
        "/health/v1/chat",
        "/docsXYZ",
        "/openapi.json/v1/chat",
        "/V1/chat",
        "/v2/chat",
        "/v2",
        "//v1/chat",
        "/v1//chat",
        "/v1/chat/",
        "/v1/chat//",
        "/V1/CHAT",
        "/v1/Chat",
        "/v1/ch%41t",
        "/v1/chat%20",
        "/v1/chat%20/",
        "/v1/elr/items/",
        "/v1/elr/items//",
        "/v1/elr/users//stats",
        "/v1",
        "/v1/"
      })
  void S5_matchesNoOtherPathThanThoseOfTheContract(String target) {
    Envelope.holds(postWithoutCredential(target), target, 404, "NOT_FOUND");
    Envelope.holds(get(target), target, 404, "NOT_FOUND");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/v1/chat",
        "/v1/ch%61t",
        "/%76%31/%63%68%61%74",
        "/v1/chat?",
        "http://gateway.test/v1/chat",
        "http://gateway.test:8081/v1/chat",
        "https://gateway.test:/v1/chat",
        "HTTP://gateway.test/v1/ch%61t"
      })
  void acceptsEachFormOfOnePath(String target) {
    Envelope.holds(postWithoutCredential(target), "/v1/chat", 401, "UNAUTHENTICATED");
  }

  @Test
  void aTargetWithAnotherHostThanTheHostFieldIsRefused() {
    for (String other :
        List.of("elsewhere.test:99", "gateway.test.elsewhere.test", "u@gateway.test")) {
      postWithoutCredential("http://" + other + "/v1/chat")
          .expect(TestGateway.isEdge() ? 400 : 401);
    }
  }

  @Test
  void theHostFieldMayHaveAPortOrAnEmptyOne() {
    for (String host : List.of("gw.test", "gw.test:", "gw.test:8081", "[::1]:", "a_b:1")) {
      for (String target : List.of("/healthz", "http://" + host + "/healthz")) {
        String request = "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
        assertEquals(200, RawHttpClient.statusOf(SERVER.gateway().port(), request), request);
      }
    }
  }

  @Test
  void anotherOwnerIsRefusedAlsoWhenEncoded() {
    Envelope.holds(get("/v1/elr/items/%61nna"), "/v1", 403, "NOT_OWNER");
    Envelope.holds(get("/v1/elr/items/Maria_k"), "/v1", 403, "NOT_OWNER");
    Envelope.holds(get("/v1/elr/items/maria_k%20"), "/v1", 403, "NOT_OWNER");
  }

  /** Random paths: each is refused, without a call to a service and without an exception. */
  @Test
  void randomPathsAreRefusedWithoutExceptions() {
    Random random = new Random(20_261_124);
    List<String> pieces =
        List.of(
            "/", "v1", "elr", "items", "anna", "%2f", "%5c", "..", "%2e", ";", "%00", "%25", "%zz",
            "%", "%ff", "chat", "?", "&", "=", "%20", "~", "users", "stats", "//", "é");
    for (int i = 0; i < 500; i++) {
      StringBuilder target = new StringBuilder("/");
      for (int n = random.nextInt(8); n >= 0; n--) {
        target.append(pieces.get(random.nextInt(pieces.size())));
      }
      int status = RawHttpClient.statusOf(SERVER.gateway().port(), ask(target.toString()));
      boolean root = target.toString().matches("/\\?*");
      assertTrue(
          List.of(400, 403, 404, 405, RawHttpClient.CLOSED).contains(status)
              || (root && status == 200),
          () -> status + " for " + target);
    }
  }
}
