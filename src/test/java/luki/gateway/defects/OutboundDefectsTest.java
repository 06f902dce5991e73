package luki.gateway.defects;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import java.text.ParseException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import luki.gateway.standin.Fixture;
import luki.gateway.standin.Seen;
import luki.gateway.standin.StandInReply;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the gateway sends to services, and how it authenticates. */
@Timeout(60)
class OutboundDefectsTest {
  private static final String SECRET = "agents-only-0123456789";
  private static final String CHAT = "{\"user_id\":\"maria_k\",\"message\":\"hello\"}";
  private static final String MARK = "smuggled";

  @AutoClose
  private final Fixture setting = Fixture.start(g -> g.with("AGENT_INTERNAL_SECRET", SECRET));

  /** A request that reaches each service, and the scope of its route. */
  private Map<String, String> callEveryService(Client maria, String... headers) {
    maria.post("/v1/chat", CHAT, headers);
    maria.get("/v1/cognitive/world-day-activities/maria_k", headers);
    maria.get(Fixture.METRICS, headers);
    maria.get("/v1/reporting/reports/maria_k/trends", headers);
    maria.get("/v1/tokens/balances/maria_k", headers);
    return new TreeMap<>(
        Map.of(
            "agent", "chat:write",
            "memory", "chat:write",
            "security", "chat:write",
            "cognitive", "cognitive:read",
            "engagement", "engagement:read",
            "reporting", "reporting:read",
            "tokens", "tokens:read"));
  }

  private static String bearer(Seen seen) {
    String value = seen.header("Authorization").orElseThrow();
    assertTrue(value.startsWith("Bearer "), value);
    return value.substring("Bearer ".length());
  }

  @Test
  void S10_everyServiceGetsATokenThatThePublishedKeyVerifies()
      throws ParseException, JOSEException {
    setting.services().secret(SECRET);
    Map<String, String> scopes = callEveryService(setting.maria());
    JWKSet keys = JWKSet.parse(setting.stranger().get("/.well-known/jwks.json").body());
    for (Map.Entry<String, String> service : scopes.entrySet()) {
      Seen seen = setting.calls(service.getKey()).getFirst();
      SignedJWT token = SignedJWT.parse(bearer(seen));
      assertEquals(JWSAlgorithm.ES256, token.getHeader().getAlgorithm());
      ECKey key = (ECKey) keys.getKeyByKeyId(token.getHeader().getKeyID());
      assertFalse(key.isPrivate());
      assertTrue(token.verify(new ECDSAVerifier(key)), service.getKey());
      assertClaims(token.getJWTClaimsSet(), service.getKey(), service.getValue());
    }
  }

  private static void assertClaims(JWTClaimsSet claims, String service, String scope)
      throws ParseException {
    assertEquals("luki-gateway", claims.getIssuer());
    assertEquals("luki-gateway", claims.getSubject());
    assertEquals(List.of(service), claims.getAudience());
    assertEquals("maria_k", claims.getStringClaim("user_id"));
    assertEquals(scope, claims.getStringClaim("scope"));
    Map<String, Object> act = claims.getJSONObjectClaim("act");
    assertFalse(String.valueOf(act.get("sub")).isBlank());
    assertTrue(act.containsKey("kind"));
    assertFalse(act.toString().contains("luki_"), "no part of a key in " + act);
    Map<String, Object> plain = claims.toJSONObject();
    long life = ((Number) plain.get("exp")).longValue() - ((Number) plain.get("iat")).longValue();
    assertTrue(life > 0 && life <= 60, "lives " + life + " s");
    assertFalse(claims.getJWTID().isBlank());
  }

  @Test
  void S10_consentScopesGoToTheProtectedServiceAndNotToThePolicyService() throws ParseException {
    Client maria = setting.maria();
    maria.get(Fixture.METRICS);
    Map<String, Object> given =
        SignedJWT.parse(bearer(setting.calls("engagement").getFirst()))
            .getJWTClaimsSet()
            .getJSONObjectClaim("consent");
    assertEquals(List.of("analytics"), given.get("scopes"));
    assertEquals(true, given.get("allowed"));
    assertTrue(((Number) given.get("at")).longValue() > 0);
    SignedJWT asked = SignedJWT.parse(bearer(setting.calls("security").getFirst()));
    assertFalse(asked.getJWTClaimsSet().getClaims().containsKey("consent"));
    setting.revoke("maria_k", "elr_memories");
    maria.post("/v1/chat", CHAT);
    Map<String, Object> denied =
        SignedJWT.parse(bearer(setting.calls("agent").getFirst()))
            .getJWTClaimsSet()
            .getJSONObjectClaim("consent");
    assertEquals(false, denied.get("allowed"));
  }

  @Test
  void theConsentOfAChatHasTheTimeOfTheAnswer() throws ParseException {
    Duration wait = Duration.ofMillis(1100);
    try (Fixture slow =
        Fixture.start(g -> g.yaml("memory_deadline: 1500ms", "memory_deadline: 9s"))) {
      slow.services()
          .override(
              "security",
              "POST",
              "/policy",
              StandInReply.json(200, "{\"allowed\":true}").after(wait));
      Instant asked = Instant.now();
      slow.maria().post("/v1/chat", CHAT).expect(200);
      Map<String, Object> given =
          SignedJWT.parse(bearer(slow.calls("agent").getFirst()))
              .getJWTClaimsSet()
              .getJSONObjectClaim("consent");
      long at = ((Number) given.get("at")).longValue();
      assertTrue(at >= asked.plus(wait).getEpochSecond(), at + " is before the answer came");
    }
  }

  @Test
  void S10_aTokenForOneUserIsNotUsedForAnother() throws ParseException {
    setting.maria().get(Fixture.METRICS);
    setting.as("anna").get("/v1/engagement/metrics/anna");
    List<Seen> calls = setting.calls("engagement");
    SignedJWT annas = SignedJWT.parse(bearer(calls.getLast()));
    assertEquals("anna", annas.getJWTClaimsSet().getStringClaim("user_id"));
    assertNotEquals(bearer(calls.getFirst()), bearer(calls.getLast()));
  }

  @Test
  void S10_theSecretGoesOnlyToTheAgent() {
    setting.services().secret(SECRET);
    Map<String, String> services = callEveryService(setting.maria());
    for (String service : services.keySet()) {
      Optional<String> wanted = service.equals("agent") ? Optional.of(SECRET) : Optional.empty();
      for (Seen seen : setting.calls(service)) {
        assertEquals(wanted, seen.header("X-Internal-Secret"), service);
      }
    }
  }

  @Test
  void S10_anAgentThatRefusesTheGatewayIsABadGateway() {
    setting.services().secret("another secret than ours");
    Client maria = setting.maria();
    for (String path : List.of("/v1/chat", "/v1/chat/stream")) {
      HttpReply answer = maria.post(path, CHAT).expect(502, "DOWNSTREAM_REFUSED");
      assertFalse(answer.body().contains("secret"), answer.body());
      assertTrue(answer.header("WWW-Authenticate").isEmpty());
    }
  }

  @Test
  void S10_identityHeadersOfACallerAreNotForwarded() {
    setting.services().secret(SECRET);
    String[] headers = {
      "X-User-Id", MARK,
      "X-User", MARK,
      "X-Scopes", MARK,
      "X-Roles", MARK,
      "X-Internal-Secret", MARK,
      "X-Internal-User", MARK,
      "X-Gateway-Token", MARK,
      "X-Forwarded-For", "192.0.2.1, " + MARK,
      "X-Forwarded-User", MARK,
      "X-Real-IP", MARK,
      "Forwarded", "for=" + MARK,
      "Cookie", "session=" + MARK,
      "Proxy-Authorization", "Basic " + MARK,
      "Referer", "https://" + MARK + ".example",
      "User-Agent", MARK,
      "Accept-Language", MARK,
      "tracestate", "a=" + MARK,
      "baggage", "user=" + MARK
    };
    callEveryService(setting.maria(), headers);
    setting.maria().post("/v1/chat/stream", CHAT, headers);
    assertTrue(setting.calls().size() >= 8);
    for (Seen seen : setting.calls()) {
      assertFalse(seen.headers().toString().contains(MARK), seen.path() + seen.headers());
    }
  }

  @Test
  void S10_theCallersKeyIsNotForwarded() {
    setting.maria();
    String key = setting.gateway().key(List.of("maria_k"), "chat:write", "cognitive:read");
    setting.services().secret(SECRET);
    setting.withKey(key).post("/v1/chat", CHAT);
    setting.stranger().get("/v1/cognitive/world-day-activities/maria_k", "X-API-Key", key);
    assertEquals(1, setting.calls("cognitive").size());
    for (Seen seen : setting.calls()) {
      assertFalse(seen.toString().contains(key), seen.path());
      assertTrue(seen.header("X-API-Key").isEmpty());
      assertEquals(1, seen.headers().get("Authorization").size());
    }
  }

  @Test
  void aCallForAStreamAcceptsEventsOnly() {
    setting.maria().post("/v1/chat/stream", CHAT);
    Seen stream =
        setting.calls().stream()
            .filter(seen -> seen.path().endsWith("/chat/stream"))
            .findFirst()
            .orElseThrow();
    assertEquals(List.of("text/event-stream"), stream.headers().get("Accept"));
  }

  @Test
  void S10_noServiceIsOfferedAnotherProtocol() {
    callEveryService(setting.maria());
    for (Seen seen : setting.calls()) {
      assertTrue(seen.header("Upgrade").isEmpty(), seen.path());
      assertTrue(seen.header("HTTP2-Settings").isEmpty(), seen.path());
      assertTrue(seen.header("Transfer-Encoding").isEmpty(), seen.path());
    }
  }

  @Test
  void theTimeThatIsLeftTravelsOnAndShrinksFromCallToCall() {
    setting.maria().get("/v1/users/maria_k/overview").expect(200);
    setting.maria().post("/v1/chat", Fixture.CHAT).expect(200);
    setting.maria().post("/v1/chat/stream", Fixture.CHAT).expect(200);
    // The memories of a chat have 1.5 s, the overview 12 s in all, a chat 60 s, a stream 15
    // minutes.
    List<Long> memory = left("memory");
    assertTrue(memory.stream().anyMatch(left -> left > 1 && left <= 1500), memory.toString());
    List<Long> engagement = left("engagement");
    assertTrue(
        engagement.stream().allMatch(left -> left > 5000 && left <= 12_000), engagement.toString());
    List<Long> agent = left("agent");
    assertEquals(2, agent.size());
    assertTrue(agent.getFirst() > 50_000 && agent.getFirst() <= 60_000, agent.toString());
    assertTrue(agent.getLast() > 800_000 && agent.getLast() <= 900_000, agent.toString());
  }

  private List<Long> left(String service) {
    return setting.calls(service).stream()
        .map(call -> Long.valueOf(call.header("X-Request-Deadline-Ms").orElseThrow()))
        .toList();
  }

  @Test
  void S19_aValidRequestIdIsKeptAndForwarded() {
    HttpReply answer = setting.maria().get(Fixture.METRICS, "X-Request-Id", "A.b_c-1");
    assertEquals(Optional.of("A.b_c-1"), answer.header("X-Request-Id"));
    assertEquals(
        Optional.of("A.b_c-1"), setting.calls("engagement").getFirst().header("X-Request-Id"));
    assertTrue(setting.gateway().awaitLog(1).getFirst().contains("\"A.b_c-1\""));
  }

  @Test
  void S19_anInvalidRequestIdIsReplacedEverywhere() {
    List<String> hostile =
        List.of(
            "a b",
            "a\"b",
            "{\"level\":\"error\"}",
            "${jndi:ldap://x}",
            "<script>",
            "a;b",
            "a/b",
            "%0d%0aSet-Cookie:a",
            "x".repeat(129));
    Client maria = setting.maria();
    for (String id : hostile) {
      setting.forget();
      HttpReply answer = maria.get(Fixture.METRICS, "X-Request-Id", id);
      String given = answer.header("X-Request-Id").orElseThrow();
      assertTrue(given.matches("[A-Za-z0-9._-]{1,128}"), given);
      assertNotEquals(id, given);
      assertEquals(
          Optional.of(given), setting.calls("engagement").getFirst().header("X-Request-Id"));
    }
    for (String line : setting.gateway().awaitLog(hostile.size())) {
      hostile.forEach(id -> assertFalse(line.contains(id), line));
    }
  }

  @Test
  void S19_aRequestIdOfTheMaximumLengthIsKept() {
    String longest = "x".repeat(128);
    HttpReply answer = setting.stranger().get("/healthz", "X-Request-Id", longest);
    assertEquals(Optional.of(longest), answer.header("X-Request-Id"));
  }
}
