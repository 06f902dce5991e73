package luki.gateway.tokens;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.RSAKey;
import java.math.BigInteger;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
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
    String service = typed(EC, TokenVerifier.ServiceCallers.TYPE, serviceClaims("scheduler"));
    assertEquals("Expired", resultOf(late, service));
    String unlisted = typed(EC, TokenVerifier.ServiceCallers.TYPE, serviceClaims("stranger"));
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

  /** Also where arithmetic with the number would take all memory. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "-0",
        "-0.0",
        "0",
        "0.5",
        "-1",
        "-1.5",
        "1e-400",
        "1e-999999999",
        "1e400",
        "-1e400",
        "1e999999999",
        "1e99999999999",
        "31556889864403200",
        "31556889864403199.5",
        "9223372036854775807",
        "9223372036854775808",
        "1e18",
        "\"9999999999\"",
        "null",
        "true",
        "[9999999999]",
        "{}",
        "NaN"
      })
  void anEndThatIsNoTimeIsNone(String exp) {
    assertFalse(accepted(withEnd(exp)));
    assertFalse(accepted(withEnd(exp), Instant.ofEpochSecond(1)));
  }

  private static String withEnd(String exp) {
    return CLAIMS.replaceFirst("\"exp\":\\d+", "\"exp\":" + exp);
  }

  @Test
  void timesAreNumericDatesWithAFractionAndTheBoundaryIsExact() {
    long now = Tokens.NOW.getEpochSecond();
    for (String end : List.of("9999999999.5", "99999999995e-1", "9.9999999995e9", "1e10")) {
      assertTrue(accepted(withEnd(end)), end);
    }
    assertTrue(accepted(withEnd((now - 30) + ".001")));
    assertFalse(accepted(withEnd((now - 30) + ".000")));
    assertFalse(accepted(withEnd((now - 31) + ".999999999999")));
    Instant lastMoment = Tokens.NOW.plusSeconds(30).plusMillis(499);
    assertTrue(accepted(withEnd(now + ".5"), lastMoment));
    assertFalse(accepted(withEnd(now + ".5"), lastMoment.plusMillis(1)));
    for (String claim : List.of("nbf", "iat")) {
      for (String begin :
          List.of("-0", "-1", "0.25", "-1e18", now + ".5", (now + 30) + ".000", "1e-999999999")) {
        assertTrue(accepted(from(claim, begin)), claim + " " + begin);
      }
      for (String begin :
          List.of(
              (now + 30) + ".000000000000001", (now + 31) + "", "1e18", "1e400", "null", "{}")) {
        assertFalse(accepted(from(claim, begin)), claim + " " + begin);
      }
    }
  }

  private static String from(String claim, String time) {
    return CLAIMS
        .replaceFirst("\"iat\":\\d+,", "")
        .replace("\"scope\"", "\"" + claim + "\":" + time + ",\"scope\"");
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
    for (String roles :
        List.of("{\"admin\":true}", "[null]", "[1]", "[[\"admin\"]]", "7", "true")) {
      assertFalse(accepted(changed("\"scope\"", "\"roles\":" + roles + ",\"scope\"")), roles);
    }
    for (String claim : List.of("scope", "scp", "permissions")) {
      for (String names : List.of("{}", "7", "null", "[7]", "[null]", "[[\"elr:read\"]]")) {
        String claims = changed("\"scope\":\"elr:read\"", "\"" + claim + "\":" + names);
        assertFalse(accepted(claims), claims);
      }
    }
    assertFalse(accepted(changed("\"scope\":\"elr:read\"", "\"permissions\":\"elr:read\"")));
  }

  private static Set<String> scopesOf(String claims) {
    TokenVerifier verifier = Tokens.verifier(KEYS, Tokens.NOW);
    String token = Forge.by(EC, changed("\"scope\":\"elr:read\"", claims));
    return Set.copyOf(Scope.names(Tokens.principal(verifier, token).scopes()));
  }

  @Test
  void scopesOfAllClaimsAndRolesAddUp() {
    for (String claim :
        List.of(
            "\"scope\":\"elr:read\"",
            "\"scope\":[\"elr:read\"]",
            "\"scp\":\"openid elr:read\"",
            "\"scp\":[\"openid\",\"elr:read\"]",
            "\"permissions\":[\"elr:read\"]",
            "\"scope\":\"\",\"permissions\":[\"elr:read\"]",
            "\"roles\":[\"patient\"]",
            "\"roles\":\"patient\"")) {
      assertEquals(Set.of("elr:read"), scopesOf(claim), claim);
    }
    String all =
        "\"scope\":[\"a:a\",\"b:b\"],\"scp\":\"c:c d:d\",\"permissions\":[\"e:e\"],\"roles\":[\"patient\"]";
    assertEquals(Set.of("a:a", "b:b", "c:c", "d:d", "e:e", "elr:read"), scopesOf(all));
    // A name with a space in an array is one name, and no scope.
    assertEquals(Set.of(), scopesOf("\"scope\":[\"elr:read a:a\"]"));
  }

  @Test
  void aRoleThatAUsersTokenMayNotCarryIsIgnored() {
    for (String roles :
        List.of("\"admin\"", "[\"admin\",\"care_team\"]", "[\"king\"]", "[]", "null", "\"\"")) {
      assertEquals(Set.of(), scopesOf("\"roles\":" + roles), roles);
    }
  }

  @Test
  void aTokenThatIsVerifiedWhileTheKeysChangeIsVerifiedAgain() {
    AtomicInteger generation = new AtomicInteger(1);
    TrustedKey.KeySource changing =
        new TrustedKey.KeySource() {
          @Override
          public List<TrustedKey> named(String keyId) {
            // The key is taken out of the set as soon as it was found.
            return generation.getAndIncrement() == 1 ? KEYS.named(keyId) : List.of();
          }

          @Override
          public long generation() {
            return generation.get();
          }
        };
    TokenVerifier verifier = Tokens.verifier(changing, Tokens.NOW);
    String token = Forge.by(EC, CLAIMS);
    assertTrue(Tokens.accepts(verifier, token));
    assertFalse(Tokens.accepts(verifier, token));
  }

  private static TokenVerifier services() {
    return services(Tokens.NOW);
  }

  private static TokenVerifier services(Instant now) {
    Map<String, GatewayFile.Caller> callers =
        Map.of(
            "scheduler", new GatewayFile.Caller(Set.of("e1"), Set.of(), Set.of(Tokens.READ), null));
    return new TokenVerifier(
        Tokens.rules(now), KEYS, new TokenVerifier.ServiceCallers(KEYS, callers, Tokens.ROLES));
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
    String type = TokenVerifier.ServiceCallers.TYPE;
    String claims = serviceClaims("scheduler");
    Principal principal = Tokens.principal(services(), typed(EC, type, claims));
    assertEquals(Principal.Kind.SERVICE, principal.kind());
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

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"x5t\":\"q-23falevZhhD3hm9CQbkP5MQyU\"",
        "\"x5t#S256\":\"tbyGQqT9L1mVZ7Yz3cTnqkSg3n1sXK3ZbJ4mJ0cV1dU\"",
        "\"x5t\":7",
        "\"x5c\":[\"MIIBszCCAVmgAwIBAgIU\"]",
        "\"x5u\":\"http://127.0.0.1:1/x\"",
        "\"jku\":\"http://127.0.0.1:1/x\"",
        "\"nonce\":\"a\",\"ver\":2"
      })
  void hintsInTheHeaderAreIgnored(String hint) {
    ECKey attacker = Forge.ec("e1");
    String header = "{\"alg\":\"ES256\",\"kid\":\"e1\"," + hint + "}";
    assertTrue(Tokens.accepts(verifier, Forge.by(FORGE.ec, header, ATTACK_CLAIMS)));
    refused(Forge.by(attacker, header, ATTACK_CLAIMS));
  }

  @Test
  void aKeyInTheHeaderIsIgnored() {
    ECKey attacker = Forge.ec("e1");
    refused(Forge.by(attacker, ATTACK_CLAIMS));
    for (String start : List.of("{\"alg\":\"ES256\",", "{\"alg\":\"ES256\",\"kid\":\"e1\",")) {
      refused(Forge.by(attacker, start + "\"jwk\":" + Forge.open(attacker) + "}", ATTACK_CLAIMS));
      refused(Forge.by(FORGE.ec, start + "\"cty\":\"JWT\"}", ATTACK_CLAIMS));
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
        "{\"alg\":\"ES256\",\"kid\":\"e1\",\"typ\":\"\"}",
        "{\"alg\":\"ES256\",\"kid\":\"e1\",\"typ\":\"application/\"}",
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

  /** The RSA key with other members, and another id. */
  private static String rsaEntry(RSAKey key, String more) {
    return Forge.open(key).replaceFirst("\"kid\":\"[^\"]*\"", "\"kid\":\"k\"," + more);
  }

  private static boolean acceptsRsa(List<String> entries, String algorithm) {
    String header = Forge.header(algorithm, "k");
    TokenVerifier keys =
        Tokens.verifier(Tokens.set(Forge.jwks(entries.toArray(String[]::new))), Instant.now());
    return Tokens.accepts(keys, FORGE.sign(header, ATTACK_CLAIMS, algorithm));
  }

  @Test
  void ofSeveralEntriesWithOneIdTheUsableOnesCount() {
    RSAKey other = Forge.rsa("k");
    String signing = rsaEntry(FORGE.rsa, "\"use\":\"sig\"");
    for (String beside :
        List.of(
            rsaEntry(FORGE.rsa, "\"use\":\"enc\",\"alg\":\"RSA-OAEP\""),
            rsaEntry(other, "\"use\":\"enc\",\"alg\":\"RSA-OAEP\""),
            rsaEntry(other, "\"alg\":\"RSA-OAEP-256\""),
            rsaEntry(other, "\"key_ops\":[\"encrypt\"]"),
            rsaEntry(FORGE.rsa, "\"alg\":\"RS512\""),
            rsaEntry(FORGE.rsa, "\"alg\":\"RS256\""),
            signing,
            Forge.open(Forge.ec("k")),
            "{\"kty\":\"oct\",\"kid\":\"k\",\"k\":\"AAAA\"}",
            "{\"kid\":\"k\"}")) {
      for (List<String> order : List.of(List.of(signing, beside), List.of(beside, signing))) {
        for (String algorithm : List.of("RS256", "PS256")) {
          assertTrue(acceptsRsa(order, algorithm), algorithm + " " + order);
        }
      }
    }
    List<String> each =
        List.of("RS256", "RS384", "RS512", "PS256").stream()
            .map(algorithm -> rsaEntry(FORGE.rsa, "\"use\":\"sig\",\"alg\":\"" + algorithm + "\""))
            .toList();
    assertTrue(acceptsRsa(each, "RS256"));
    assertTrue(acceptsRsa(each, "PS256"));
  }

  @Test
  void twoKeysForOneIdAndAlgorithmAreLeftOutAndSoIsAKeyWhosePrivateHalfIsPublished() {
    String signing = rsaEntry(FORGE.rsa, "\"use\":\"sig\"");
    String another = rsaEntry(Forge.rsa("k"), "\"alg\":\"RS256\"");
    assertEquals(List.of("e1"), idsOf(signing, another, Forge.open(FORGE.ec)));
    assertEquals(List.of("e1"), idsOf(signing, FORGE.rsa.toJSONString(), Forge.open(FORGE.ec)));
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
