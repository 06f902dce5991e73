package luki.gateway.tokens;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import luki.gateway.config.GatewayFile;
import luki.gateway.http.Scope;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a token says must be said in the right shape, by the right issuer, for us, and now. */
class TokenClaimsTest {
  private static final ECKey EC = Tokens.ec("e1", Curve.P_256);
  private static final ECKey OTHER = Tokens.ec("e2", Curve.P_256);
  private static final JwkSet KEYS =
      JwkSet.ofJwks(Tokens.jwks(List.of(EC, OTHER)).getBytes(StandardCharsets.UTF_8)).orElseThrow();

  private static boolean accepted(String claims) {
    return accepted(claims, Tokens.NOW);
  }

  private static boolean accepted(String claims, Instant now) {
    TokenVerifier verifier = Tokens.verifier(KEYS, now);
    return Tokens.accepts(verifier, Tokens.sign(EC, JWSAlgorithm.ES256, claims));
  }

  private static String changed(String from, String to) {
    String claims = Tokens.claims();
    assertTrue(claims.contains(from), from);
    return claims.replace(from, to);
  }

  @Test
  void theIssuerAndTheAudienceMustBeThose() {
    assertTrue(accepted(Tokens.claims()));
    String issuer = "\"iss\":\"" + Tokens.ISSUER + "\"";
    assertFalse(accepted(changed(issuer, "\"iss\":\"https://other.test\"")));
    assertFalse(accepted(changed(issuer, "\"iss\":\"https://\u0456ssuer.test\"")));
    assertFalse(accepted(changed(issuer, "\"iss\":[\"" + Tokens.ISSUER + "\"]")));
    assertFalse(accepted(changed(issuer + ",", "")));
    String audience = "\"aud\":\"luki-gateway\"";
    assertTrue(accepted(changed(audience, "\"aud\":[\"x\",\"luki-gateway\"]")));
    assertFalse(accepted(changed(audience, "\"aud\":[\"a\",\"b\"]")));
    assertFalse(accepted(changed(audience, "\"aud\":\"luki-gateway2\"")));
    assertFalse(accepted(changed(audience + ",", "")));
  }

  @Test
  void aTokenIsOverInTheSecondOfItsEndPlusTheSkew() {
    Instant end = Tokens.NOW.plusSeconds(600);
    assertTrue(accepted(Tokens.claims(), end.plusSeconds(29)));
    assertFalse(accepted(Tokens.claims(), end.plusSeconds(30)));
    assertFalse(accepted(Tokens.claims(), end.plusSeconds(120)));
  }

  @Test
  void aTokenFromTheFutureIsRefusedBeyondTheSkew() {
    assertTrue(accepted(Tokens.claims(), Tokens.NOW.minusSeconds(30)));
    assertFalse(accepted(Tokens.claims(), Tokens.NOW.minusSeconds(31)));
    long now = Tokens.NOW.getEpochSecond();
    assertFalse(accepted(changed("\"scope\"", "\"nbf\":" + (now + 31) + ",\"scope\"")));
    assertTrue(accepted(changed("\"scope\"", "\"nbf\":" + (now + 30) + ",\"scope\"")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"9999999999.5", "-0", "0", "-1", "\"9999999999\"", "null", "1e400", "true"})
  void anEndThatIsNoTimeIsNone(String exp) {
    assertFalse(accepted(Tokens.claims().replaceFirst("\"exp\":\\d+", "\"exp\":" + exp)));
  }

  @Test
  void whatIsMissingDoubledOrOfAnotherShapeIsRefused() {
    assertFalse(accepted(Tokens.claims().replaceFirst("\"exp\":\\d+,", "")));
    for (String sub : List.of("", "a\\r\\nX-User-Id: b", "a\\u0000", "x".repeat(256))) {
      assertFalse(accepted(changed("maria_k", sub)), sub);
    }
    assertFalse(accepted(changed("\"sub\":\"maria_k\",", "")));
    for (String subject : List.of("a/b", "a;b", "a\\\\b", "..", "", "a%2Fb", "a\\ud800b")) {
      assertFalse(accepted(changed("\"maria_k\"", "\"" + subject + "\"")), subject);
    }
    assertTrue(accepted(changed("\"maria_k\"", "\"auth0|a b 100%\"")));
    assertFalse(accepted(changed("\"sub\":\"maria_k\"", "\"sub\":\"anna\",\"sub\":\"maria_k\"")));
    assertFalse(accepted("[]"));
    for (String roles : List.of("{\"admin\":true}", "\"admin\"", "[null]", "[1]", "null")) {
      assertFalse(accepted(changed("\"scope\"", "\"roles\":" + roles + ",\"scope\"")), roles);
    }
    assertFalse(accepted(changed("\"elr:read\"", "[\"elr:read\"]")));
  }

  @Test
  void scopesComeFromScopeOrScpOrPermissionsAndFromRoles() {
    for (String claim :
        List.of(
            "\"scp\":[\"elr:read\"]",
            "\"permissions\":[\"elr:read\"]",
            "\"roles\":[\"patient\"]")) {
      TokenVerifier verifier = Tokens.verifier(KEYS, Tokens.NOW);
      String claims = changed("\"scope\":\"elr:read\"", claim);
      var verdict = Tokens.verify(verifier, Tokens.sign(EC, JWSAlgorithm.ES256, claims));
      assertEquals(
          Set.of(Tokens.READ),
          ((TokenVerifier.TokenResult.Accepted) verdict).principal().scopes(),
          claim);
    }
  }

  private static TokenVerifier services() {
    Map<String, GatewayFile.Caller> callers =
        Map.of(
            "scheduler", new GatewayFile.Caller(Set.of("e1"), Set.of(), Set.of(Tokens.READ), null));
    return new TokenVerifier(
        Tokens.rules(Tokens.NOW), KEYS, new ServiceCallers(KEYS, callers, Tokens.ROLES));
  }

  private static String serviceClaims(String name) {
    return changed(Tokens.ISSUER, name).replace("maria_k", name);
  }

  @Test
  void aServiceIsItselfByItsOwnKeyAndItsOwnTypeOfToken() {
    String type = ServiceCallers.TYPE;
    String good = Tokens.signTyped(EC, JWSAlgorithm.ES256, type, serviceClaims("scheduler"));
    var verdict = (TokenVerifier.TokenResult.Accepted) Tokens.verify(services(), good);
    assertEquals("service", verdict.principal().kind());
    assertEquals(Set.of(Tokens.READ), verdict.principal().scopes());
    assertFalse(verdict.principal().scopes().contains(Scope.ANY_USER));
    for (String bad :
        List.of(
            Tokens.sign(EC, JWSAlgorithm.ES256, serviceClaims("scheduler")),
            Tokens.signTyped(OTHER, JWSAlgorithm.ES256, type, serviceClaims("scheduler")),
            Tokens.signTyped(EC, JWSAlgorithm.ES256, type, Tokens.claims()),
            Tokens.signTyped(EC, JWSAlgorithm.ES256, "at+jwt", serviceClaims("scheduler")))) {
      assertFalse(Tokens.accepts(services(), bad));
    }
    String unlisted = Tokens.signTyped(EC, JWSAlgorithm.ES256, type, serviceClaims("stranger"));
    assertTrue(Tokens.verify(services(), unlisted) instanceof TokenVerifier.TokenResult.Unlisted);
  }
}
