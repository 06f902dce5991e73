package luki.gateway.observe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import luki.gateway.testing.Client;
import luki.gateway.testing.Collector;
import luki.gateway.testing.GatewayProcess;
import luki.gateway.testing.Processes;
import luki.gateway.testing.RedisProcess;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What an operator reads on stderr while something that the gateway uses is unavailable. */
@Timeout(120)
class OutageLinesTest {
  private static final Pattern LINE =
      Pattern.compile("\\d{4}-\\d\\d-\\d\\dT[0-9:.]+Z (INFO|WARN|ERROR) [a-z.-]+ - \\S.*");
  private static final String PATH = "/v1/elr/items/maria_k";

  @TempDir Path directory;

  private static List<String> lines(GatewayProcess gateway, String text) {
    return gateway.err().lines().filter(line -> line.contains(text)).toList();
  }

  private static void await(GatewayProcess gateway, String text, int count, Runnable traffic) {
    Waiting.until(
        () -> {
          traffic.run();
          return lines(gateway, text);
        },
        found -> found.size() >= count);
  }

  private static void assertOnlyLinesOfOurForm(GatewayProcess gateway) {
    for (String line : gateway.err().lines().toList()) {
      assertTrue(line.startsWith("warning: ") || LINE.matcher(line).matches(), line);
      assertTrue(!line.contains("Exception"), line);
    }
  }

  @Test
  void aCollectorThatIsAwayIsOneLineAtItsBeginAndOneAtItsEnd() throws Exception {
    int port = Processes.freePort();
    Map<String, String> variables = new HashMap<>();
    variables.put("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:" + port);
    variables.put("OTEL_BSP_SCHEDULE_DELAY", "20");
    variables.put("OTEL_JAVA_EXPORTER_OTLP_RETRY_DISABLED", "true");
    try (GatewayProcess gateway = GatewayProcess.start(directory, List.of(), variables)) {
      Client nobody = gateway.stranger();
      Runnable traffic = () -> nobody.get(PATH).expect(401);
      await(gateway, "traces", 1, traffic);
      for (int i = 0; i < 200; i++) {
        traffic.run();
      }
      try (Collector collector = Collector.start(port)) {
        await(gateway, "traces", 2, traffic);
        assertTrue(!collector.spans().isEmpty());
      }
      await(gateway, "traces", 3, traffic);
      gateway.terminate();
      List<String> said = lines(gateway, "traces");
      assertEquals(3, said.size(), said.toString());
      assertTrue(said.get(0).endsWith("the trace collector is unavailable; spans are dropped"));
      assertTrue(said.get(1).endsWith("the trace collector is available again"));
      assertOnlyLinesOfOurForm(gateway);
    }
  }

  @Test
  void aRedisThatIsAwayIsOneLineAtItsBeginAndOneAtItsEnd() throws Exception {
    try (RedisProcess redis = RedisProcess.start();
        GatewayProcess gateway =
            GatewayProcess.start(directory, List.of(), Map.of("REDIS_URL", redis.url()))) {
      Runnable traffic = () -> gateway.stranger().get(PATH, "X-API-Key", "luki_guess");
      for (int outage = 0; outage < 2; outage++) {
        redis.kill();
        await(gateway, " redis - ", 2 * outage + 1, traffic);
        for (int i = 0; i < 100; i++) {
          traffic.run();
        }
        redis.restart();
        await(gateway, " redis - ", 2 * outage + 2, traffic);
      }
      gateway.terminate();
      assertEquals(4, lines(gateway, " redis - ").size(), gateway.err());
      assertOnlyLinesOfOurForm(gateway);
    }
  }

  @Test
  void healthChecksHaveNoSpans() {
    try (Collector collector = Collector.start();
        GatewayProcess gateway =
            GatewayProcess.start(
                directory,
                List.of(),
                Map.of(
                    "OTEL_EXPORTER_OTLP_ENDPOINT",
                    collector.url(),
                    "OTEL_BSP_SCHEDULE_DELAY",
                    "20"))) {
      Client probe = gateway.stranger();
      String trace = "4bf92f3577b34da6a3ce929d0e0e4736";
      for (String path : List.of("/healthz", "/readyz", "/health")) {
        probe.get(path, "traceparent", "00-" + trace + "-00f067aa0ba902b7-01");
      }
      probe.get(PATH).expect(401);
      Waiting.until(() -> !collector.spans().isEmpty());
      collector
          .spans()
          .forEach(span -> assertTrue(!span.getName().contains("/health"), span.toString()));
      assertTrue(
          collector.spans().stream()
              .noneMatch(span -> Collector.hex(span.getTraceId().toByteArray()).equals(trace)));
    }
  }
}
