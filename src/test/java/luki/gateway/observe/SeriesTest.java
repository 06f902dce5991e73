package luki.gateway.observe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import luki.gateway.standin.StandIns;
import luki.gateway.testing.Client;
import luki.gateway.testing.TestGateway;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The number of series does not depend on what callers send. */
@Timeout(60)
class SeriesTest {
  private static final List<String> METHODS =
      List.of("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS");

  private static Set<String> series(TestGateway gateway) {
    return gateway
        .stranger()
        .get("/metrics")
        .body()
        .lines()
        .filter(line -> !line.startsWith("#") && !line.startsWith("jvm_"))
        .map(line -> line.substring(0, line.lastIndexOf(' ')))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void P5_randomPathsMethodsKeysAndUsersAddNoSeries() {
    try (StandIns services = StandIns.start(Set.of("memory", "cognitive"));
        TestGateway gateway =
            TestGateway.builder()
                .with(services.urls())
                .with("RATE_LIMIT_PER_MIN", "600000")
                .start()) {
      Random random = new Random(7);
      ask(gateway, random, 150);
      // This request makes a series too.
      assertTrue(series(gateway).size() > 100);
      Set<String> before = series(gateway);
      ask(gateway, random, 400);
      Set<String> added = series(gateway);
      added.removeAll(before);
      assertEquals(Set.of(), added);
      assertTrue(before.size() < 1500, before.size() + " series");
    }
  }

  private static void ask(TestGateway gateway, Random random, int count) {
    for (int i = 0; i < count; i++) {
      String word = Long.toString(random.nextLong() >>> 1, 36);
      Client any =
          switch (i % 3) {
            case 0 -> gateway.stranger();
            case 1 -> new Client(gateway, "luki_" + word);
            default -> new Client(gateway, gateway.key(List.of(word), "elr:read"));
          };
      any.send(METHODS.get(i % METHODS.size()), "/v1/" + word + "/" + word, null);
      any.send("X" + word.toUpperCase(Locale.ROOT).replaceAll("\\d", "Q"), "/v1/chat", null);
      any.get("/v1/elr/users/" + word + "/stats");
      any.get("/v1/elr/items/" + word + "?limit=" + i);
      any.get("/docs/" + word, "X-Forwarded-For", "10.0." + i % 200 + ".1");
    }
  }
}
