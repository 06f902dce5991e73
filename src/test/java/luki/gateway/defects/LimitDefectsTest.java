package luki.gateway.defects;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import luki.gateway.standin.Fixture;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Which caller a limit applies to, what counts, and what replies report. */
@Timeout(60)
class LimitDefectsTest {
  private static final Pattern STANDING = Pattern.compile("\"user\";r=(\\d+);t=(\\d+)");
  private static final String READS = Fixture.METRICS;

  private static UnaryOperator<TestGateway.Builder> limits(String... variables) {
    return gateway -> {
      for (int i = 0; i < variables.length; i += 2) {
        gateway.with(variables[i], variables[i + 1]);
      }
      return gateway;
    };
  }

  private static UnaryOperator<TestGateway.Builder> slow(int burst) {
    // One unit in ten seconds: none is refilled during a test.
    return limits("RATE_LIMIT_PER_MIN", "6", "RATE_LIMIT_BURST", Integer.toString(burst));
  }

  private static int remaining(HttpReply answer) {
    return field(answer, 1);
  }

  private static int seconds(HttpReply answer) {
    return field(answer, 2);
  }

  private static int field(HttpReply answer, int group) {
    Matcher standing = STANDING.matcher(answer.header("RateLimit").orElse(""));
    assertTrue(standing.matches(), answer.headers().toString());
    return Integer.parseInt(standing.group(group));
  }

  @Test
  void everyLimitedReplyReportsTheStateOfTheLimit() {
    try (Fixture setting = Fixture.start(slow(4))) {
      Client maria = setting.maria();
      List<HttpReply> seen = new ArrayList<>();
      seen.add(maria.get(READS));
      seen.add(maria.get("/v1/engagement/metrics/somebody_else"));
      seen.add(maria.post("/v1/chat", "{"));
      seen.add(maria.get(READS + "?what=1"));
      seen.add(maria.get(READS));
      assertEquals(List.of(200, 403, 400, 400, 429), seen.stream().map(HttpReply::status).toList());
      assertEquals(List.of(3, 2, 1, 0, 0), seen.stream().map(LimitDefectsTest::remaining).toList());
      for (HttpReply answer : seen) {
        assertEquals(Optional.of("\"user\";q=6;w=60"), answer.header("RateLimit-Policy"));
        assertTrue(seconds(answer) >= 8 && seconds(answer) <= 10, answer.header("RateLimit").get());
      }
      HttpReply refused = seen.getLast();
      assertEquals("RATE_LIMITED", refused.code());
      int retry = Integer.parseInt(refused.header("Retry-After").orElseThrow());
      assertTrue(retry >= seconds(refused) && retry <= 10, "Retry-After " + retry);
      HttpReply stranger = setting.stranger().get(READS).expect(401);
      assertEquals(Optional.empty(), stranger.header("RateLimit"));
    }
  }

  @Test
  void R3_noHeaderGivesACallerAnotherLimit() {
    try (Fixture setting = Fixture.start(slow(3))) {
      String key = setting.gateway().key(List.of(Fixture.MARIA), "engagement:read");
      Client bearer = setting.withKey(key);
      Client bare = setting.stranger();
      List<Integer> statuses = new ArrayList<>();
      statuses.add(bearer.get(READS).status());
      statuses.add(bare.get(READS, "X-API-Key", key).status());
      statuses.add(bare.get(READS, "x-api-key", key).status());
      for (int i = 0; i < 5; i++) {
        statuses.add(bearer.get(READS, "X-Forwarded-For", "10.0.0." + i).status());
        statuses.add(bearer.get(READS, "X-User-Id", "user" + i).status());
        statuses.add(bearer.get(READS, "Forwarded", "for=10.1.0." + i).status());
        statuses.add(bare.get(READS, "Authorization", "bEaReR " + key).status());
        statuses.add(bearer.get("/v1/engagement/metrics/maria%5Fk").status());
      }
      assertEquals(
          3, statuses.stream().filter(status -> status == 200).count(), statuses::toString);
      assertEquals(25, statuses.stream().filter(status -> status == 429).count());
    }
  }

  @Test
  void R4_aRefusedCallCostsNothing() {
    try (Fixture setting =
        Fixture.start(limits("RATE_LIMIT_PER_MIN", "60", "RATE_LIMIT_BURST", "1"))) {
      Client maria = setting.maria();
      maria.get(READS).expect(200);
      long began = System.nanoTime();
      // Refused calls do not extend the wait: the next unit is free after its second.
      Waiting.until(Duration.ofSeconds(5), () -> maria.get(READS).status(), got -> got == 200);
      long took = System.nanoTime() - began;
      assertTrue(took < Duration.ofMillis(2500).toNanos(), took / 1e9 + " s");
    }
  }

  @Test
  void R4_healthIsNeverLimited() {
    try (Fixture setting =
        Fixture.start(limits("RATE_LIMIT_PER_MIN", "1", "AUTH_FAILURES_PER_MIN", "1"))) {
      Client bad = setting.withKey("luki_nonsense");
      bad.get(READS).expect(401);
      bad.get(READS).expect(429);
      for (int i = 0; i < 20; i++) {
        for (String path : List.of("/healthz", "/readyz", "/health", "/openapi.json")) {
          HttpReply answer = setting.stranger().get(path);
          assertEquals(200, answer.status(), path);
          assertEquals(Optional.empty(), answer.header("RateLimit"));
        }
      }
    }
  }

  @Test
  void R4_anAddressWithTooManyFailuresIsRefusedBeforeItsCredentialIsChecked() {
    try (Fixture setting = Fixture.start(limits("AUTH_FAILURES_PER_MIN", "5"))) {
      Client maria = setting.maria();
      for (int i = 0; i < 20; i++) {
        maria.get(READS).expect(200);
      }
      for (int i = 0; i < 5; i++) {
        setting.withKey("luki_guess" + i).get(READS).expect(401);
      }
      HttpReply sixth = setting.withKey("luki_guess6").get(READS).expect(429, "RATE_LIMITED");
      assertTrue(Integer.parseInt(sixth.header("Retry-After").orElseThrow()) <= 13);
      // Even a valid credential is not checked, and another address in a header has no effect.
      Client newcomer = setting.maria();
      newcomer.get(READS).expect(429);
      newcomer.get(READS, "X-Forwarded-For", "192.0.2.1").expect(429);
      setting.stranger().get(READS).expect(429);
      // The one that was good from here before is.
      maria.get(READS).expect(200);
    }
  }

  @Test
  void R4_behindATrustedProxyEachClientHasItsOwnFailures() {
    try (Fixture setting =
        Fixture.start(limits("AUTH_FAILURES_PER_MIN", "2", "TRUSTED_PROXIES", "127.0.0.0/8"))) {
      Client bad = setting.withKey("luki_guess");
      for (int i = 0; i < 2; i++) {
        bad.get(READS, "X-Forwarded-For", "192.0.2.7").expect(401);
      }
      bad.get(READS, "X-Forwarded-For", "192.0.2.7").expect(429);
      // What the client itself sent is to the left of the address that the proxy added.
      bad.get(READS, "X-Forwarded-For", "198.51.100.1, 192.0.2.7").expect(429);
      bad.get(READS, "X-Forwarded-For", "192.0.2.8").expect(401);
      Client maria = setting.maria();
      maria.get(READS, "X-Forwarded-For", "192.0.2.9").expect(200);
      for (int i = 0; i < 2; i++) {
        bad.get(READS, "X-Forwarded-For", "2001:db8:1:2::" + i).expect(401);
      }
      bad.get(READS, "X-Forwarded-For", "2001:db8:1:2:3:4:5:6").expect(429);
      bad.get(READS, "X-Forwarded-For", "2001:db8:1:3::1").expect(401);
    }
  }

  @Test
  void aPortInXForwardedForMakesNoOtherClient() {
    try (Fixture setting =
        Fixture.start(
            limits("AUTH_FAILURES_PER_MIN", "2", "TRUSTED_PROXIES", "127.0.0.0/8,10.0.0.0/8"))) {
      Client bad = setting.withKey("luki_guess");
      for (String client : List.of("192.0.2.7", "[2001:db8:1:2::7]")) {
        for (int i = 0; i < 2; i++) {
          bad.get(READS, "X-Forwarded-For", client + ":5123" + i).expect(401);
        }
        bad.get(READS, "X-Forwarded-For", client).expect(429);
        bad.get(READS, "X-Forwarded-For", client + ":1").expect(429);
        // The same before a trusted proxy that has a port too.
        bad.get(READS, "X-Forwarded-For", client + ":65535, 10.1.1.1:443").expect(429);
      }
      bad.get(READS, "X-Forwarded-For", "192.0.2.8:51230").expect(401);
      bad.get(READS, "X-Forwarded-For", "2001:db8:1:2:0:0:0:9").expect(429);
      bad.get(READS, "X-Forwarded-For", "[2001:db8:1:3::7]").expect(401);
      // What is no address and port is not believed: it counts as the proxy's own.
      bad.get(READS, "X-Forwarded-For", "192.0.2.20:port").expect(401);
      bad.get(READS, "X-Forwarded-For", "192.0.2.21:123456").expect(401);
      bad.get(READS, "X-Forwarded-For", "192.0.2.22:").expect(429);
      bad.get(READS).expect(429);
    }
  }

  @Test
  void allCallersTogetherHaveALimit() {
    try (Fixture setting = Fixture.start(limits("RATE_LIMIT_GLOBAL_PER_MIN", "5"))) {
      List<Integer> statuses = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        statuses.add(setting.maria().get(READS).status());
      }
      assertEquals(List.of(200, 200, 200, 200, 200, 429, 429, 429), statuses);
    }
  }

  @Test
  void aRouteMayCostMoreUnits() {
    try (Fixture setting = Fixture.start(slow(9))) {
      Client maria = setting.maria();
      assertEquals(4, remaining(maria.get("/v1/users/maria_k/overview")));
      HttpReply second = maria.get("/v1/users/maria_k/overview").expect(429);
      assertEquals(4, remaining(second));
      int retry = Integer.parseInt(second.header("Retry-After").orElseThrow());
      assertTrue(retry <= 10 && retry >= seconds(second), "Retry-After " + retry);
      assertEquals(3, remaining(maria.get(READS)));
    }
  }

  @Test
  void aPlanSetsTheRateOfItsCallers() {
    try (Fixture setting =
        Fixture.start(
            gateway ->
                slow(2)
                    .apply(gateway)
                    .yaml("per_minute: 1200\n    burst: 300", "per_minute: 6\n    burst: 5"))) {
      String[] scopes = {"engagement:read"};
      Map<String, Integer> bursts = Map.of("care_home", 5, "no_such_plan", 2);
      bursts.forEach(
          (plan, burst) -> {
            String key = setting.gateway().keyOfPlan(plan, List.of(Fixture.MARIA), scopes);
            Client client = setting.withKey(key);
            for (int i = 0; i < burst; i++) {
              assertEquals(200, client.get(READS).status(), plan);
            }
            assertEquals(429, client.get(READS).status(), plan);
          });
    }
  }
}
