package luki.gateway.defects;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSSigner;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.PlainJWT;
import com.nimbusds.jwt.SignedJWT;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import luki.gateway.standin.Fixture;
import luki.gateway.standin.Seen;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.TestGateway;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class CredentialDefectsTest {
  @AutoClose
  private static final Fixture SETTING = Fixture.start(g -> g.with("METRICS_ACCESS", "scope"));

  @BeforeEach
  void forget() {
    SETTING.forget();
  }

  private static JWTClaimsSet claims(Instant expires) {
    return new JWTClaimsSet.Builder()
        .issuer("https://id.example")
        .subject(Fixture.MARIA)
        .audience("luki-gateway")
        .claim("scope", "chat:write elr:read elr:write elr:delete users:any ops:read")
        .claim("roles", List.of("admin"))
        .issueTime(Date.from(expires.minusSeconds(600)))
        .expirationTime(Date.from(expires))
        .build();
  }

  private static String signed(JWSAlgorithm algorithm, JWSSigner signer, Instant expires)
      throws JOSEException {
    SignedJWT token = new SignedJWT(new JWSHeader(algorithm), claims(expires));
    token.sign(signer);
    return token.serialize();
  }

  /** Forged and invalid tokens, by what is wrong with them. */
  private static Map<String, String> forgeries() throws JOSEException {
    Instant later = Instant.now().plusSeconds(600);
    ECDSASigner own = new ECDSASigner(new ECKeyGenerator(Curve.P_256).generate());
    byte[] published =
        SETTING.stranger().get("/.well-known/jwks.json").body().getBytes(StandardCharsets.US_ASCII);
    String ours = signed(JWSAlgorithm.ES256, own, later);
    Map<String, String> tokens = new LinkedHashMap<>();
    tokens.put("alg none", new PlainJWT(claims(later)).serialize());
    tokens.put("signature cut off", ours.substring(0, ours.lastIndexOf('.') + 1));
    tokens.put("own EC key", ours);
    tokens.put(
        "own RSA key",
        signed(JWSAlgorithm.RS256, new RSASSASigner(new RSAKeyGenerator(2048).generate()), later));
    tokens.put("HMAC", signed(JWSAlgorithm.HS256, new MACSigner("k".repeat(32)), later));
    tokens.put(
        "HMAC under the published keys",
        signed(JWSAlgorithm.HS256, new MACSigner(published), later));
    tokens.put("expired", signed(JWSAlgorithm.ES256, own, Instant.now().minusSeconds(3600)));
    return tokens;
  }

  @Test
  void S1_aForgedTokenIsRefusedOnEveryRoute() throws JOSEException {
    for (Map.Entry<String, String> forged : forgeries().entrySet()) {
      Client forger = SETTING.withKey(forged.getValue());
      for (DataRoute route : DataRoute.all(SETTING)) {
        String target = route.target(Fixture.MARIA);
        HttpReply answer = forger.send(route.method(), target, route.body(Fixture.MARIA));
        assertEquals(401, answer.status(), forged.getKey() + ": " + route);
        assertEquals("UNAUTHENTICATED", answer.code());
        assertTrue(answer.header("WWW-Authenticate").isPresent());
      }
    }
    SETTING.assertNothingWasCalled("a forged token");
  }

  @Test
  void S1_theGatewaysOwnTokenForAServiceIsNotAcceptedByTheGateway() {
    SETTING.maria().get(Fixture.METRICS);
    Seen seen = SETTING.calls("engagement").getFirst();
    String overheard = seen.header("Authorization").orElseThrow().substring("Bearer ".length());
    SETTING.forget();
    SETTING.withKey(overheard).get(Fixture.METRICS).expect(401);
    SETTING.assertNothingWasCalled("a token that was meant for a service");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "abcdefghij",
        "0123456789",
        "luki_000000000000",
        "luki_000000000000_0000000000000000000000000000000000000000000000000"
      })
  void S2_aTextThatLooksLikeAKeyIsRefused(String text) {
    SETTING.withKey(text).get(Fixture.ITEMS).expect(401);
    SETTING.stranger().get(Fixture.ITEMS, "X-API-Key", text).expect(401);
    SETTING.assertNothingWasCalled(text);
  }

  @Test
  void S2_aKeyOfAnotherGatewayIsRefused() {
    try (TestGateway other = TestGateway.start(Map.of())) {
      String key = other.key(List.of(Fixture.MARIA), "elr:read");
      SETTING.withKey(key).get(Fixture.ITEMS).expect(401);
    }
    SETTING.assertNothingWasCalled("a key of another gateway");
  }

  @Test
  void S2_aKeyWithOneCharacterChangedIsRefused() {
    String key = SETTING.gateway().key(List.of(Fixture.MARIA), "elr:read");
    int middle = key.length() / 2;
    char other = key.charAt(middle) == 'a' ? 'b' : 'a';
    String changed = key.substring(0, middle) + other + key.substring(middle + 1);
    SETTING.withKey(key).get(Fixture.ITEMS).expect(200);
    SETTING.withKey(changed).get(Fixture.ITEMS).expect(401);
  }

  @Test
  void S4_everyDataRouteNeedsACredential() {
    List<DataRoute> routes = DataRoute.all(SETTING);
    assertTrue(routes.size() >= 30, routes.toString());
    for (DataRoute route : routes) {
      HttpReply answer =
          SETTING.stranger().send(route.method(), route.target("maria_k"), route.body("maria_k"));
      assertEquals(401, answer.status(), route.toString());
      assertTrue(answer.header("WWW-Authenticate").isPresent(), route.toString());
    }
    SETTING.assertNothingWasCalled("no credential");
  }

  @Test
  void S4_everyDataRouteNeedsItsScope() {
    Client unscoped =
        SETTING.withKey(SETTING.gateway().key(List.of(Fixture.MARIA), "webhooks:write"));
    for (DataRoute route : DataRoute.all(SETTING)) {
      HttpReply answer =
          unscoped.send(route.method(), route.target("maria_k"), route.body("maria_k"));
      assertEquals(403, answer.status(), route.toString());
      assertEquals("FORBIDDEN", answer.code(), route.toString());
    }
    SETTING.assertNothingWasCalled("no scope");
  }

  @Test
  void S4_headNeedsTheSameCredentialAsGet() {
    for (DataRoute route : DataRoute.all(SETTING)) {
      if (route.method().equals("GET")) {
        int status = SETTING.stranger().send("HEAD", route.target("maria_k"), null).status();
        assertEquals(401, status, route.toString());
      }
    }
    SETTING.assertNothingWasCalled("no credential");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/v1/chatXYZ",
        "/v1/chat/streamXYZ",
        "/v1/chat/stream/more",
        "/v1/chat/",
        "/v1/elr/items/",
        "/api/chatXYZ",
        "/healthXYZ",
        "/health/v1/chat",
        "/docsXYZ",
        "/openapi.json/v1/chat",
        "/V1/chat",
        "/v2/chat"
      })
  void S5_aPathThatOnlyBeginsLikeARouteIsNotFound(String path) {
    for (Client caller : List.of(SETTING.stranger(), SETTING.maria())) {
      caller.get(path).expect(404);
    }
    SETTING.assertNothingWasCalled(path);
  }

  @Test
  void S5_anUnknownRouteWithABodyIsNotFound() {
    String body = Fixture.CHAT;
    for (Client caller : List.of(SETTING.stranger(), SETTING.maria())) {
      caller.post("/v1/chatXYZ", body).expect(404);
      caller.put("/v1/chat", body).expect(405);
    }
    SETTING.assertNothingWasCalled("no such route");
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
        "/v1/elr/items/anna/../maria_k"
      })
  void S5_aDetourThroughAPublicPathIsRefused(String path) {
    SETTING.stranger().get(path).expect(400);
    SETTING.maria().get(path).expect(400);
    SETTING.assertNothingWasCalled(path);
  }

  @Test
  void S5_anEncodedSpellingOfARouteIsThatRoute() {
    String disguised = "/%76%31/elr/%69tems/maria%5fk";
    SETTING.stranger().get(disguised).expect(401);
    SETTING.assertNothingWasCalled("no credential");
    SETTING.maria().get(disguised).expect(200);
  }

  @Test
  void S5_aCredentialForOneRouteDoesNotOpenAnother() {
    Client talker = SETTING.withKey(SETTING.gateway().key(List.of(Fixture.MARIA), "chat:write"));
    assertAll(
        () -> assertEquals(403, talker.get(Fixture.ITEMS).status()),
        () -> assertEquals(403, talker.get("/v1/users/maria_k/overview").status()));
    SETTING.assertNothingWasCalled("another scope");
  }
}
