package luki.gateway.tokens;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.nimbusds.jose.jwk.ECKey;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import luki.gateway.standin.Fixture;
import luki.gateway.testing.TestGateway;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A key of SERVICE_JWKS_PATH signs for the one service that owns its kid. */
class ServiceKeysTest {
  private static final ECKey A = Forge.ec("a1");
  private static final ECKey B = Forge.ec("b1");
  private static final String BOTH =
      """
      services:
        alpha: {keys: [a1], scopes: [engagement:read, users:any]}
        beta: {keys: [b1], scopes: [engagement:read, users:any]}
      """;

  @TempDir Path directory;

  private TestGateway.Builder with(TestGateway.Builder builder, String jwks, String services) {
    try {
      Path file = Files.writeString(directory.resolve("services.json"), jwks);
      return builder
          .with("SERVICE_JWKS_PATH", file.toString())
          .yaml("\nplans:\n", "\n" + services + "plans:\n");
    } catch (IOException failed) {
      throw new IllegalStateException(failed);
    }
  }

  private String problem(String jwks, String services) {
    TestGateway.Builder builder = with(TestGateway.builder(), jwks, services);
    return assertThrows(IllegalArgumentException.class, () -> builder.start().close()).getMessage();
  }

  private static String token(ECKey key, String kid, String service) {
    Map<String, String> claims = Forge.claims(Instant.now());
    claims.put("iss", Forge.text(service));
    claims.put("sub", Forge.text(service));
    String named = kid == null ? "" : ",\"kid\":\"" + kid + "\"";
    String header = "{\"alg\":\"ES256\",\"typ\":\"luki-service+jwt\"" + named + "}";
    return Forge.by(key, header, Forge.json(claims));
  }

  @Test
  void aServiceIsAcceptedByItsOwnKeyOnly() {
    try (Fixture setting = Fixture.start(gateway -> with(gateway, Forge.jwks(A, B), BOTH))) {
      setting.maria();
      setting.withKey(token(A, "a1", "alpha")).get(Fixture.METRICS).expect(200);
      setting.withKey(token(B, "b1", "beta")).get(Fixture.METRICS).expect(200);
      for (String kid : new String[] {"a1", "b1", "c1", "", null}) {
        setting.withKey(token(A, kid, "beta")).get(Fixture.METRICS).expect(401);
      }
      setting.withKey(token(A, null, "alpha")).get(Fixture.METRICS).expect(401);
    }
  }

  @Test
  void aReloadReplacesAKeyAndAddsAService() throws IOException {
    ECKey next = Forge.ec("b1");
    String alpha = BOTH.substring(0, BOTH.indexOf("  beta"));
    try (Fixture setting = Fixture.start(gateway -> with(gateway, Forge.jwks(A), alpha))) {
      setting.maria();
      setting.withKey(token(B, "b1", "beta")).get(Fixture.METRICS).expect(401);
      setting.gateway().edit(alpha, BOTH);
      Files.writeString(directory.resolve("services.json"), Forge.jwks(A, B));
      setting.gateway().reload();
      setting.withKey(token(A, "a1", "alpha")).get(Fixture.METRICS).expect(200);
      setting.withKey(token(B, "b1", "beta")).get(Fixture.METRICS).expect(200);
      Files.writeString(directory.resolve("services.json"), Forge.jwks(A, next));
      setting.gateway().reload();
      setting.withKey(token(B, "b1", "beta")).get(Fixture.METRICS).expect(401);
      setting.withKey(token(next, "b1", "beta")).get(Fixture.METRICS).expect(200);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "\"kid\":\"\",", "\"kid\":\" \",", "\"kid\":null,"})
  void aKeyWithoutAnIdPreventsStartup(String kid) {
    String without = Forge.open(B).replace("\"kid\":\"b1\",", kid);
    assertTrue(without.contains("\"crv\"") && !without.contains("b1"), without);
    String problem = problem(Forge.jwks(Forge.open(A), without), BOTH);
    assertTrue(problem.contains("SERVICE_JWKS_PATH: ") && problem.contains("kid"), problem);
  }

  @Test
  void anIdThatTwoServicesListPreventsStartup() {
    String problem = problem(Forge.jwks(A, B), BOTH.replace("[b1]", "[b1, a1]"));
    assertTrue(
        problem.matches(
            ".*gateway\\.yaml:\\d+: /services/\\w+/keys must not list a key of another.*"),
        problem);
  }

  @Test
  void anIdThatIsNoTextPreventsStartup() {
    String problem = problem(Forge.jwks(A, B), BOTH.replace("[b1]", "[2026]"));
    assertTrue(problem.contains("/services/beta/keys must be a list of names"), problem);
  }

  @Test
  void twoKeysWithOneIdAreKeysOfNoService() {
    ECKey twin = Forge.ec("a1");
    try (Fixture setting = Fixture.start(gateway -> with(gateway, Forge.jwks(A, twin, B), BOTH))) {
      setting.maria();
      for (ECKey key : List.of(A, twin)) {
        setting.withKey(token(key, "a1", "alpha")).get(Fixture.METRICS).expect(401);
      }
      setting.withKey(token(B, "b1", "beta")).get(Fixture.METRICS).expect(200);
    }
    assertEquals(
        List.of("/keys/0", "/keys/1"),
        JwkSet.leftOut(Forge.jwks(A, twin, B).getBytes(StandardCharsets.UTF_8)));
  }
}
