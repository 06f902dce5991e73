package luki.gateway.tokens;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.nimbusds.jose.jwk.ECKey;
import java.math.BigInteger;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import luki.gateway.config.GatewayFile;
import luki.gateway.http.Principal;
import luki.gateway.http.Scope;
import luki.gateway.http.UserId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A token is accepted only with a valid signature, header, issuer, audience, time and shape. */
class TokenVerifierTest {
  private static final Forge FORGE = new Forge();
  private static final String ATTACK_CLAIMS = Forge.claims();
  private static final String CLAIMS = Forge.json(Forge.claims(Tokens.NOW));
  private static final ECKey EC = Forge.ec("e1");
  private static final ECKey OTHER = Forge.ec("e2");
  private static final JwkSet KEYS = Tokens.set(Forge.jwks(EC, OTHER));

  private final TokenVerifier verifier = Tokens.verifier(Tokens.set(FORGE.jwks()), Instant.now());

  private static boolean accepted(String claims) {
    return accepted(claims, Tokens.NOW);
  }

  private static boolean accepted(String claims, Instant now) {
    return Tokens.accepts(Tokens.verifier(KEYS, now), Forge.by(EC, claims));
  }

  private static String changed(String from, String to) {
    assertTrue(CLAIMS.contains(from), from);
    return CLAIMS.replace(from, to);
  }

  @Test
  void theIssuerAndTheAudienceMustBeThose() {
    assertTrue(accepted(CLAIMS));
    String issuer = "\"iss\":\"" + Forge.ISSUER + "\"";
    assertFalse(accepted(changed(issuer, "\"iss\":\"https://other.test\"")));
    assertFalse(accepted(changed(issuer, "\"iss\":\"https://\u0456ssuer.test\"")));
    assertFalse(accepted(changed(issuer, "\"iss\":[\"" + Forge.ISSUER + "\"]")));
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
    assertTrue(accepted(CLAIMS, end.plusSeconds(29)));
    assertFalse(accepted(CLAIMS, end.plusSeconds(30)));
    assertFalse(accepted(CLAIMS, end.plusSeconds(120)));
  }

  @Test
  void onlyATokenThatWasGoodIsExpired() {
    TokenVerifier late = services(Tokens.NOW.plusSeconds(630));
    String once = Forge.by(EC, CLAIMS);
    for (int i = 0; i < 2; i++) {
      assertEquals("Expired", resultOf(late, once));
    }
    assertEquals("Refused", resultOf(late, Forge.by(Forge.ec("e1"), CLAIMS)));
    assertEquals("Refused", resultOf(late, Forge.by(EC, changed(Forge.ISSUER, "https://x.test"))));
    assertEquals("Refused", resultOf(late, Forge.by(EC, changed("luki-gateway", "x"))));
    assertEquals("Refused", resultOf(late, Forge.by(EC, CLAIMS.replaceFirst("\"exp\":\\d+,", ""))));
    String service = typed(EC, ServiceCallers.TYPE, serviceClaims("scheduler"));
    assertEquals("Expired", resultOf(late, service));
    String unlisted = typed(EC, ServiceCallers.TYPE, serviceClaims("stranger"));
    assertEquals("Refused", resultOf(late, unlisted));
  }

  private static String resultOf(TokenVerifier verifier, String token) {
    return Tokens.verify(verifier, token).getClass().getSimpleName();
  }

  @Test
  void aTokenFromTheFutureIsRefusedBeyondTheSkew() {
    assertTrue(accepted(CLAIMS, Tokens.NOW.minusSeconds(30)));
    assertFalse(accepted(CLAIMS, Tokens.NOW.minusSeconds(31)));
    long now = Tokens.NOW.getEpochSecond();
    assertFalse(accepted(changed("\"scope\"", "\"nbf\":" + (now + 31) + ",\"scope\"")));
    assertTrue(accepted(changed("\"scope\"", "\"nbf\":" + (now + 30) + ",\"scope\"")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"9999999999.5", "-0", "0", "-1", "\"9999999999\"", "null", "1e400", "true"})
  void anEndThatIsNoTimeIsNone(String exp) {
    assertFalse(accepted(CLAIMS.replaceFirst("\"exp\":\\d+", "\"exp\":" + exp)));
  }

  @Test
  void whatIsMissingDoubledOrOfAnotherShapeIsRefused() {
    assertFalse(accepted(CLAIMS.replaceFirst("\"exp\":\\d+,", "")));
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
      String token = Forge.by(EC, changed("\"scope\":\"elr:read\"", claim));
      Principal principal = Tokens.principal(Tokens.verifier(KEYS, Tokens.NOW), token);
      assertEquals(Set.of(Tokens.READ), principal.scopes(), claim);
    }
  }

  private static TokenVerifier services() {
    return services(Tokens.NOW);
  }

  private static TokenVerifier services(Instant now) {
    Map<String, GatewayFile.Caller> callers =
        Map.of(
            "scheduler", new GatewayFile.Caller(Set.of("e1"), Set.of(), Set.of(Tokens.READ), null));
    return new TokenVerifier(
        Tokens.rules(now), KEYS, new ServiceCallers(KEYS, callers, Tokens.ROLES));
  }

  private static String typed(ECKey key, String type, String claims) {
    String id = key.getKeyID();
    String header = "{\"alg\":\"ES256\",\"kid\":\"%s\",\"typ\":\"%s\"}".formatted(id, type);
    return Forge.by(key, header, claims);
  }

  private static String serviceClaims(String name) {
    return changed(Forge.ISSUER, name).replace("maria_k", name);
  }

  @Test
  void aServiceIsItselfByItsOwnKeyAndItsOwnTypeOfToken() {
    String type = ServiceCallers.TYPE;
    String claims = serviceClaims("scheduler");
    Principal principal = Tokens.principal(services(), typed(EC, type, claims));
    assertEquals("service", principal.kind());
    assertEquals(Set.of(Tokens.READ), principal.scopes());
    assertFalse(principal.scopes().contains(Scope.ANY_USER));
    assertFalse(Tokens.accepts(services(), Forge.by(EC, claims)));
    assertFalse(Tokens.accepts(services(), typed(OTHER, type, claims)));
    assertFalse(Tokens.accepts(services(), typed(EC, type, CLAIMS)));
    assertFalse(Tokens.accepts(services(), typed(EC, "at+jwt", claims)));
    String unlisted = typed(EC, type, serviceClaims("stranger"));
    assertTrue(Tokens.verify(services(), unlisted) instanceof TokenVerifier.TokenResult.Unlisted);
  }

  private void refused(String token) {
    assertTrue(Tokens.refuses(verifier, token), "was taken");
  }

  @Test
  void goodTokensOfEachAlgorithmAreTaken() {
    for (String algorithm : List.of("RS256", "PS256", "ES256", "ES384", "EdDSA")) {
      String token = FORGE.good(algorithm);
      assertTrue(Tokens.accepts(verifier, token), algorithm);
      assertTrue(Tokens.accepts(verifier, token), "from the cache too");
    }
  }

  @Test
  void theSubjectOwnsItselfAndNobodyElse() {
    Principal principal = Tokens.principal(verifier, FORGE.good("ES256"));
    assertEquals(Set.of(Tokens.READ), principal.scopes());
    assertTrue(principal.users().include(new UserId("maria_k")));
    assertFalse(principal.users().include(new UserId("anna")));
    for (String sub : List.of("*", "0", "admin")) {
      String other = FORGE.of(Forge.with("sub", Forge.text(sub)));
      assertFalse(Tokens.principal(verifier, other).users().include(new UserId("maria_k")), sub);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"none", "NONE", "nOnE", "none ", "", "rs256", "HS256", "RS512", "ES256K"})
  void noOtherAlgorithmIsTaken(String algorithm) {
    String signed = FORGE.sign(Forge.header(algorithm, "r1"), ATTACK_CLAIMS, "RS256");
    refused(signed);
    refused(signed.substring(0, signed.lastIndexOf('.') + 1));
    String good = FORGE.good("RS256");
    String header = Forge.base64url(Forge.header(algorithm, "r1"));
    refused(header + good.substring(good.indexOf('.')));
  }

  @Test
  void theRsaKeyIsNoHmacSecret() {
    FORGE.publicForms().forEach(secret -> refused(Forge.hmac(Forge.header("HS256", "r1"), secret)));
  }

  @Test
  void aKeyOfOneKindIsNotTakenForAnother() {
    refused(FORGE.sign(Forge.header("ES256", "r1"), ATTACK_CLAIMS, "ES256"));
    String pss = FORGE.good("PS256");
    refused(Forge.base64url(Forge.header("RS256")) + pss.substring(pss.indexOf('.')));
    String signed = FORGE.good("ES256");
    String head = signed.substring(0, signed.lastIndexOf('.') + 1);
    refused(head + Forge.base64url(new byte[64]));
  }

  @Test
  void keysAndAddressesInTheHeaderAreNotLookedAt() {
    ECKey attacker = Forge.ec("e1");
    refused(Forge.by(attacker, ATTACK_CLAIMS));
    for (String header :
        List.of(
            "{\"alg\":\"ES256\",\"jwk\":" + Forge.open(attacker) + "}",
            "{\"alg\":\"ES256\",\"kid\":\"e1\",\"x5u\":\"http://127.0.0.1:1/x\"}",
            "{\"alg\":\"ES256\",\"kid\":\"e1\",\"jku\":\"http://127.0.0.1:1/x\"}",
            "{\"alg\":\"ES256\",\"kid\":\"e1\",\"cty\":\"JWT\"}")) {
      refused(Forge.by(FORGE.ec, header, ATTACK_CLAIMS));
      refused(Forge.by(attacker, header, ATTACK_CLAIMS));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"alg\":\"ES256\",\"kid\":\"e1\",\"crit\":[\"x\"],\"x\":1}",
        "{\"alg\":\"ES256\",\"kid\":\"e1\",\"crit\":[]}",
        "{\"alg\":\"ES256\",\"kid\":\"e1\",\"b64\":false}",
        "{\"alg\":\"ES256\",\"kid\":\"e1\",\"kid\":\"e1\"}",
        "{\"alg\":\"ES256\",\"kid\":\"../../../../dev/null\"}",
        "{\"alg\":\"ES256\",\"kid\":\"' OR 1=1--\"}",
        "{\"alg\":\"ES256\",\"kid\":\"a\\r\\nb\"}",
        "{\"alg\":\"ES256\",\"kid\":7}",
        "{\"kid\":\"e1\"}",
        "{\"alg\":\"ES256\",\"kid\":\"e1\",\"typ\":\"dpop+jwt\"}",
        "{\"alg\":\"ES256\",\"kid\":\"e1\",\"typ\":\"logout+jwt\"}",
        "{\"alg\":\"ES256\",\"kid\":\"e1\",\"typ\":\"luki-service+jwt\"}",
        "[]",
        "x"
      })
  void aHeaderThatIsNotPlainIsRefusedWhateverItsSignature(String header) {
    refused(FORGE.sign(header, ATTACK_CLAIMS, "ES256"));
  }

  @Test
  void formsThatAreNoCompactJwsAreRefused() {
    String good = FORGE.good("ES256");
    String[] parts = good.split("\\.", -1);
    for (String form :
        List.of(
            parts[0] + "." + parts[1],
            parts[0] + "." + parts[1] + ".",
            good + ".x",
            good + ".",
            good + "=",
            good + "\n",
            "." + good,
            good + "." + parts[1] + "." + parts[2],
            "x".repeat(1_000_000))) {
      refused(form);
    }
  }

  private static List<String> idsOf(String... keys) {
    return Tokens.set(Forge.jwks(keys)).keys().stream().map(TrustedKey::id).toList();
  }

  @Test
  void weakDoubledPrivateAndStrangeKeysOfASetAreLeftOutAndTheOthersStay() {
    List<String> kept =
        idsOf(
            FORGE.ec384.toJSONString(),
            Forge.open(Forge.ec("same")),
            Forge.open(Forge.ec("same")),
            "{\"kty\":\"oct\",\"kid\":\"o\",\"k\":\"AAAA\"}",
            "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"off\",\"x\":\"AQ\",\"y\":\"AQ\"}",
            Forge.open(FORGE.rsa).replace("{", "{\"use\":\"enc\","),
            "7",
            Forge.open(FORGE.ec));
    assertEquals(List.of("e1"), kept);
  }

  @Test
  void anRsaKeyOfTheShapeThatABrokenChipMadeIsLeftOut() {
    // A power of 65537 is one modulo every small prime too, which is what gives such keys away.
    String modulus = Forge.base64url(BigInteger.valueOf(65537).pow(130).toByteArray());
    String weak = "{\"kty\":\"RSA\",\"kid\":\"w\",\"e\":\"AQAB\",\"n\":\"" + modulus + "\"}";
    assertEquals(List.of("r1"), idsOf(weak, Forge.open(FORGE.rsa)));
  }
}
