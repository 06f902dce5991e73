package luki.gateway.tokens;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSObject;
import com.nimbusds.jose.Payload;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.RSAKey;
import java.math.BigInteger;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Base64;
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
  private static final ECKey EC = Tokens.ec("e1", Curve.P_256);
  private static final ECKey OTHER = Tokens.ec("e2", Curve.P_256);
  private static final RSAKey RSA = Tokens.rsa("r1");
  private static final ECKey EC384 = Tokens.ec("e3", Curve.P_384);
  private static final JwkSet KEYS =
      JwkSet.ofJwks(Tokens.jwks(List.of(RSA, EC, OTHER, EC384)).getBytes(StandardCharsets.UTF_8))
          .orElseThrow();
  private static final TokenVerifier VERIFIER = Tokens.verifier(KEYS, Tokens.NOW);

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

  private static void refused(String token) {
    assertTrue(
        Tokens.verify(VERIFIER, token) instanceof TokenVerifier.TokenResult.Refused, "was taken");
  }

  private static String withHeader(String header, String claims, String signature) {
    return Tokens.base64url(header) + "." + Tokens.base64url(claims) + "." + signature;
  }

  @Test
  void goodTokensOfEachAlgorithmAreTaken() {
    for (JWSAlgorithm algorithm : List.of(JWSAlgorithm.RS256, JWSAlgorithm.PS256)) {
      assertTrue(Tokens.accepts(VERIFIER, Tokens.sign(RSA, algorithm, Tokens.claims())));
    }
    assertTrue(Tokens.accepts(VERIFIER, Tokens.sign(EC, JWSAlgorithm.ES256, Tokens.claims())));
    String es384 = Tokens.sign(EC384, JWSAlgorithm.ES384, Tokens.claims());
    assertTrue(Tokens.accepts(VERIFIER, es384));
    assertTrue(Tokens.accepts(VERIFIER, es384), "from the cache too");
  }

  @Test
  void theSubjectOwnsItselfAndNobodyElse() {
    String token = Tokens.sign(EC, JWSAlgorithm.ES256, Tokens.claims());
    var verdict = (TokenVerifier.TokenResult.Accepted) Tokens.verify(VERIFIER, token);
    Principal principal = verdict.principal();
    assertEquals(Set.of(Tokens.READ), principal.scopes());
    assertTrue(principal.users().include(new UserId("maria_k")));
    assertFalse(principal.users().include(new UserId("anna")));
    for (String sub : List.of("*", "0", "admin")) {
      String other = Tokens.sign(EC, JWSAlgorithm.ES256, Tokens.claims().replace("maria_k", sub));
      var taken = (TokenVerifier.TokenResult.Accepted) Tokens.verify(VERIFIER, other);
      assertFalse(taken.principal().users().include(new UserId("maria_k")), sub);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"none", "NONE", "nOnE", "none ", "", "rs256", "HS256", "RS512", "ES256K"})
  void noOtherAlgorithmIsTaken(String algorithm) {
    String header = "{\"alg\":\"" + algorithm + "\",\"kid\":\"r1\"}";
    refused(withHeader(header, Tokens.claims(), ""));
    String real = Tokens.sign(RSA, JWSAlgorithm.RS256, Tokens.claims());
    refused(withHeader(header, Tokens.claims(), real.substring(real.lastIndexOf('.') + 1)));
  }

  @Test
  void theRsaKeyIsNoHmacSecret() throws Exception {
    byte[] der = RSA.toRSAPublicKey().getEncoded();
    String pem =
        "-----BEGIN PUBLIC KEY-----\n"
            + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der)
            + "\n-----END PUBLIC KEY-----";
    for (byte[] secret :
        List.of(
            der,
            pem.getBytes(StandardCharsets.UTF_8),
            (pem + "\n").getBytes(StandardCharsets.UTF_8),
            RSA.toPublicJWK().toJSONString().getBytes(StandardCharsets.UTF_8),
            new byte[32])) {
      JWSHeader header = new JWSHeader.Builder(JWSAlgorithm.HS256).keyID("r1").build();
      JWSObject token = new JWSObject(header, new Payload(Tokens.claims()));
      token.sign(new MACSigner(secret));
      refused(token.serialize());
    }
  }

  @Test
  void aKeyOfOneKindIsNotTakenForAnother() throws Exception {
    JWSHeader crossed = new JWSHeader.Builder(JWSAlgorithm.ES256).keyID("r1").build();
    refused(Tokens.sign(EC, crossed, Tokens.claims()));
    String pss = Tokens.sign(RSA, JWSAlgorithm.PS256, Tokens.claims());
    String[] parts = pss.split("\\.", -1);
    refused(
        Tokens.base64url("{\"alg\":\"RS256\",\"kid\":\"r1\"}") + "." + parts[1] + "." + parts[2]);
    String signed = Tokens.sign(EC, JWSAlgorithm.ES256, Tokens.claims());
    String head = signed.substring(0, signed.lastIndexOf('.') + 1);
    refused(head + Base64.getUrlEncoder().withoutPadding().encodeToString(new byte[64]));
  }

  @Test
  void keysAndAddressesInTheHeaderAreNotLookedAt() throws JOSEException {
    ECKey attacker = Tokens.ec("e1", Curve.P_256);
    refused(Tokens.sign(attacker, JWSAlgorithm.ES256, Tokens.claims()));
    for (JWSHeader header :
        List.of(
            new JWSHeader.Builder(JWSAlgorithm.ES256).jwk(attacker.toPublicJWK()).build(),
            new JWSHeader.Builder(JWSAlgorithm.ES256)
                .keyID("e1")
                .x509CertURL(URI.create("http://127.0.0.1:1/x"))
                .build(),
            new JWSHeader.Builder(JWSAlgorithm.ES256)
                .keyID("e1")
                .jwkURL(URI.create("http://127.0.0.1:1/x"))
                .build(),
            new JWSHeader.Builder(JWSAlgorithm.ES256).keyID("e1").contentType("JWT").build())) {
      refused(Tokens.sign(EC, header, Tokens.claims()));
      refused(Tokens.sign(attacker, header, Tokens.claims()));
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
  void aHeaderThatIsNotPlainIsRefusedWhateverItsSignature(String header) throws Exception {
    String input = Tokens.base64url(header) + "." + Tokens.base64url(Tokens.claims());
    java.security.Signature es256 =
        java.security.Signature.getInstance("SHA256withECDSAinP1363Format");
    es256.initSign(EC.toECPrivateKey());
    es256.update(input.getBytes(StandardCharsets.US_ASCII));
    refused(input + "." + Base64.getUrlEncoder().withoutPadding().encodeToString(es256.sign()));
  }

  @Test
  void formsThatAreNoCompactJwsAreRefused() {
    String good = Tokens.sign(EC, JWSAlgorithm.ES256, Tokens.claims());
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

  @Test
  void weakDoubledPrivateAndStrangeKeysOfASetAreLeftOutAndTheOthersStay() {
    JWK twice = Tokens.ec("same", Curve.P_256);
    String good = EC.toPublicJWK().toJSONString();
    String set =
        "{\"keys\":["
            + String.join(
                ",",
                List.of(
                    EC384.toJSONString(),
                    twice.toPublicJWK().toJSONString(),
                    Tokens.ec("same", Curve.P_256).toPublicJWK().toJSONString(),
                    "{\"kty\":\"oct\",\"kid\":\"o\",\"k\":\"AAAA\"}",
                    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"off\",\"x\":\"AQ\",\"y\":\"AQ\"}",
                    RSA.toPublicJWK().toJSONString().replace("{", "{\"use\":\"enc\","),
                    "7",
                    good))
            + "]}";
    JwkSet keys = JwkSet.ofJwks(set.getBytes(StandardCharsets.UTF_8)).orElseThrow();
    assertEquals(List.of("e1"), keys.keys().stream().map(TrustedKey::id).toList());
  }

  @Test
  void anRsaKeyOfTheShapeThatABrokenChipMadeIsLeftOut() {
    // A power of 65537 is one modulo every small prime too, which is what gives such keys away.
    String modulus =
        Base64.getUrlEncoder()
            .withoutPadding()
            .encodeToString(BigInteger.valueOf(65537).pow(130).toByteArray());
    String weak = "{\"kty\":\"RSA\",\"kid\":\"w\",\"e\":\"AQAB\",\"n\":\"" + modulus + "\"}";
    String set = "{\"keys\":[" + weak + "," + RSA.toPublicJWK().toJSONString() + "]}";
    JwkSet keys = JwkSet.ofJwks(set.getBytes(StandardCharsets.UTF_8)).orElseThrow();
    assertEquals(List.of("r1"), keys.keys().stream().map(TrustedKey::id).toList());
  }
}
