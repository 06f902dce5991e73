package luki.gateway.tokens;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.nimbusds.jose.jwk.Curve;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.standin.RawUpstream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Each case of the token corpus, over the wire, against a gateway with a real issuer. */
class TokenCorpusTest {
  private static final Path CASES = Path.of("test-fixtures/jwt/jwt-attack-cases.json");
  private static final Pattern STATUSES = Pattern.compile("\\d{3}(?:(?:/| or )\\d{3})*");

  private static final Forge FORGE = new Forge();

  @AutoClose
  private static final IssuerFixture FIXTURE =
      IssuerFixture.ready(
          new AtomicReference<>(IssuerFixture.ok(FORGE.jwks())), "JWT_CLOCK_SKEW_S", "60");

  @AutoClose
  private static final RawUpstream ELSEWHERE =
      IssuerFixture.issuer(new AtomicReference<>(IssuerFixture.ok(FORGE.jwks())));

  private static int status(String token) {
    return FIXTURE.status(token);
  }

  @TestFactory
  List<DynamicTest> everyCaseOfTheCorpus() throws IOException, InvalidJson {
    Map<String, Supplier<List<String>>> recipes = new TokenRecipes(FORGE, ELSEWHERE.url()).all();
    Map<String, Check> others = others();
    List<DynamicTest> tests = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    for (Json one : Json.parse(Files.readAllBytes(CASES)).items()) {
      String id = one.at("id").string("");
      String expect = one.at("expect").string("");
      seen.add(id);
      Supplier<List<String>> recipe = recipes.get(id);
      Check other = others.get(id);
      tests.add(
          DynamicTest.dynamicTest(
              id,
              () -> {
                assertTrue(recipe != null || other != null, "no recipe for " + one);
                if (recipe != null) {
                  tokens(recipe.get(), expect);
                }
                if (other != null) {
                  other.run(expect);
                }
              }));
    }
    tests.add(
        DynamicTest.dynamicTest(
            "no recipe without a case",
            () -> {
              assertEquals(Set.of(), minus(recipes.keySet(), seen));
              assertEquals(Set.of(), minus(others.keySet(), seen));
            }));
    return tests;
  }

  private static Set<String> minus(Set<String> all, Set<String> some) {
    Set<String> rest = new HashSet<>(all);
    rest.removeAll(some);
    return rest;
  }

  private static void tokens(List<String> tokens, String expect) {
    assertFalse(tokens.isEmpty());
    Matcher statuses = STATUSES.matcher(expect);
    assertTrue(statuses.lookingAt(), "no status in: " + expect);
    Set<String> allowed = Set.of(statuses.group().split("/| or ", -1));
    for (String token : tokens) {
      assertTrue(allowed.contains(Integer.toString(status(token))), expect + ": " + token);
    }
  }

  /** What a case needs beside, or instead of, a status for each token. */
  @FunctionalInterface
  private interface Check {
    void run(String expect) throws Exception;
  }

  private static Map<String, Check> others() {
    Map<String, Check> checks = new LinkedHashMap<>();
    checks.put("x5u-ext", _ -> assertEquals(0, ELSEWHERE.connections()));
    checks.put("kid-crlf", _ -> logHasOneLineForEachRequest());
    checks.put("kid-unknown-flood", _ -> TokenFloods.unknownKeysCostOneFetch(FORGE));
    checks.put("sub-crlf", TokenCorpusTest::subjectsWithControls);
    checks.put("sub-star", _ -> ownDataOnly());
    checks.put("hdr-two", _ -> twoAuthorizations());
    checks.put("query-token", _ -> tokensInTheQuery());
    checks.put("replay-after-rotate", _ -> aKeyThatWasTakenAway());
    checks.put("jwks-weak", _ -> TokenFloods.doubtfulKeysAreLeftOut(FORGE));
    checks.put("jwks-oct", _ -> TokenFloods.secretsInASetAreNoKeys(FORGE));
    checks.put("jwks-huge", _ -> TokenFloods.whatNeverEndsIsCutOff(FORGE));
    return checks;
  }

  private static void logHasOneLineForEachRequest() {
    for (String line : FIXTURE.gateway.log()) {
      assertTrue(line.startsWith("{\"ts\":") && line.endsWith("}"), line);
    }
  }

  private static void subjectsWithControls(String expect) {
    assertEquals("401", expect.substring(expect.length() - 3));
    FIXTURE.services.forget();
    for (String sub : List.of("maria_k\\r\\nX-Admin: 1", "maria_k\\n", "a\\u0000b", "\\u007f")) {
      assertEquals(401, status(FORGE.of(Forge.with("sub", "\"" + sub + "\""))), sub);
    }
    assertEquals(List.of(), FIXTURE.services.calls("memory"));
  }

  private static void ownDataOnly() {
    for (String sub : List.of("*", "0", "admin", "%", "maria_k/../anna", "..")) {
      int status = status(FORGE.of(Forge.with("sub", "\"" + sub + "\"")));
      assertTrue(status == 403 || status == 401, sub + ": " + status);
    }
  }

  private static void twoAuthorizations() {
    String good = "Authorization: Bearer " + FORGE.good("ES256");
    assertEquals(200, Tokens.status(FIXTURE.gateway, IssuerFixture.OWN, good));
    assertEquals(400, Tokens.status(FIXTURE.gateway, IssuerFixture.OWN, good, good));
    assertEquals(
        400, Tokens.status(FIXTURE.gateway, IssuerFixture.OWN, good, "authorization: Bearer x"));
    assertEquals(400, Tokens.status(FIXTURE.gateway, IssuerFixture.OWN, good, "X-API-Key: " + "x"));
  }

  private static void tokensInTheQuery() throws IOException {
    String token = FORGE.good("ES256");
    for (String name : List.of("access_token", "token", "ACCESS_TOKEN", "Access%5FToken")) {
      assertEquals(
          400, Tokens.status(FIXTURE.gateway, IssuerFixture.OWN + "?" + name + "=" + token), name);
      assertEquals(
          400,
          Tokens.status(
              FIXTURE.gateway,
              IssuerFixture.OWN + "?" + name + "=" + token,
              "Authorization: Bearer " + token));
    }
    assertTrue(
        FIXTURE.gateway.log().stream().noneMatch(line -> line.contains(token.substring(0, 40))));
  }

  private static void aKeyThatWasTakenAway() {
    Forge rotating = new Forge();
    AtomicReference<String> reply = new AtomicReference<>(IssuerFixture.ok(rotating.jwks()));
    try (IssuerFixture other = IssuerFixture.ready(reply, "JWT_CLOCK_SKEW_S", "60")) {
      String old = rotating.good("RS256");
      assertEquals(200, other.status(old));
      assertEquals(200, other.status(old), "from the cache");
      reply.set(IssuerFixture.ok(Tokens.jwks(List.of(Tokens.ec("next", Curve.P_256)))));
      String unknown =
          rotating.sign(
              "{\"alg\":\"ES256\",\"kid\":\"next\"}", Forge.json(Forge.claims()), "ES256");
      assertEquals(401, other.status(unknown));
      assertEquals(401, other.status(old));
    }
  }
}
