package luki.gateway.observe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import luki.gateway.standin.RawUpstream;
import luki.gateway.standin.Seen;
import luki.gateway.standin.StandIns;
import luki.gateway.testing.Client;
import luki.gateway.testing.Collector;
import luki.gateway.testing.RawHttpClient;
import luki.gateway.testing.TestGateway;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The cases of the W3C's own test suite for Trace Context (all of its levels of strictness), with
 * tracing off and on: what a service receives for what a caller sent.
 */
@Timeout(60)
class TraceContextCasesTest {
  private static final Path CASES = Path.of("test-fixtures", "trace-context", "w3c-cases.json");
  private static final String READS = "/v1/cognitive/life-story/phases";
  private static final String TRACE = "6f0c1b9d2e7a4835a1d4c3f2b5e69780";
  private static final String PARENT = "b3c5d7e9f1a20486";

  /** What a service received of a trace. */
  private record Received(String traceId, String parentId, String flags, List<String> state) {
    static Received of(List<String> lines) {
      List<String> parents = values(lines, "traceparent");
      assertEquals(1, parents.size(), parents.toString());
      assertTrue(
          parents.getFirst().matches("00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}"),
          parents.getFirst());
      String[] parts = parents.getFirst().split("-", -1);
      return new Received(
          parts[1],
          parts[2],
          parts[3],
          values(lines, "tracestate").stream()
              .flatMap(line -> Arrays.stream(line.split("[ \t]*,[ \t]*", -1)))
              .filter(member -> !member.isEmpty())
              .toList());
    }

    private static List<String> values(List<String> lines, String name) {
      return lines.stream()
          .filter(line -> line.regionMatches(true, 0, name + ":", 0, name.length() + 1))
          .map(line -> line.substring(name.length() + 1).strip())
          .toList();
    }
  }

  private static TestGateway.Builder gateway(boolean traced, Collector collector) {
    TestGateway.Builder builder = TestGateway.builder();
    return traced ? builder.with("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url()) : builder;
  }

  private static String request(JsonNode one, String key) {
    StringBuilder request =
        new StringBuilder("GET " + READS + " HTTP/1.1\r\nHost: gw.test\r\nX-API-Key: " + key);
    for (JsonNode header : one.get("headers")) {
      request.append("\r\n").append(header.get(0).asText() + ":" + header.get(1).asText());
    }
    return request.append("\r\nConnection: close\r\n\r\n").toString();
  }

  private static void check(JsonNode one, Received received, String mode) {
    String name = one.get("name").asText() + ", tracing " + mode + ": " + received;
    boolean continued = one.get("trace").asText().equals("continued");
    assertEquals(continued, received.traceId.equals(TRACE), name);
    assertNotEquals("0".repeat(32), received.traceId, name);
    assertNotEquals("0".repeat(16), received.parentId, name);
    assertNotEquals(PARENT, received.parentId, name);
    assertEquals(
        continued ? one.get("flags").asText() : mode.equals("on") ? "01" : "00",
        received.flags,
        name);
    List<String> state = new ArrayList<>();
    one.path("state").forEach(member -> state.add(member.asText()));
    assertEquals(state, received.state, name);
  }

  private static void everyCaseOfTheSuitePasses(boolean traced) throws IOException {
    // The JDK's server refuses or joins some of these fields in its own way.
    assumeTrue(TestGateway.isEdge());
    JsonNode cases = new ObjectMapper().readTree(CASES.toFile());
    assertTrue(cases.size() > 90, cases.size() + " cases");
    try (Collector collector = Collector.start();
        RawUpstream service = RawUpstream.answering(RawUpstream.EMPTY_OBJECT);
        TestGateway gateway = gateway(traced, collector).with("COG_URL", service.url()).start()) {
      String key = gateway.key(List.of("maria_k"), "cognitive:read");
      for (JsonNode one : cases) {
        byte[] request = request(one, key).getBytes(StandardCharsets.ISO_8859_1);
        String name = one.get("name").asText();
        var reply = RawHttpClient.exchange(gateway.port(), request);
        assertEquals(200, reply.status(), name);
        String call =
            service.requests().stream()
                .filter(sent -> !sent.startsWith("GET /health "))
                .reduce((_, last) -> last)
                .orElseThrow();
        Received received = Received.of(call.lines().toList());
        assertEquals(received.traceId, reply.header("X-Trace-Id").orElseThrow(), name);
        check(one, received, traced ? "on" : "off");
      }
    }
  }

  @Test
  void everyCaseOfTheSuitePassesWithTracingOff() throws IOException {
    everyCaseOfTheSuitePasses(false);
  }

  @Test
  void everyCaseOfTheSuitePassesWithTracingOn() throws IOException {
    everyCaseOfTheSuitePasses(true);
  }

  /** The parents that all services received for one request, which calls most of them. */
  private static List<Received> callsOf(Client caller, StandIns services, String... headers) {
    services.forget();
    caller.get("/v1/users/maria_k/overview", headers).expect(200);
    List<Received> received = new ArrayList<>();
    for (String service : StandIns.VARIABLE_OF_SERVICE.keySet()) {
      for (Seen call : services.calls(service)) {
        List<String> lines = new ArrayList<>();
        call.headers().forEach((name, values) -> values.forEach(v -> lines.add(name + ": " + v)));
        received.add(Received.of(lines));
      }
    }
    return received;
  }

  @Test
  void eachCallToAServiceHasAParentIdOfItsOwnWithTracingOffAndOn() {
    List<Map.Entry<String, Boolean>> parents =
        List.of(
            Map.entry("00-" + TRACE + "-" + PARENT + "-01", true),
            Map.entry("00-" + TRACE + "-" + PARENT + "-00", true),
            Map.entry("00-" + "0".repeat(32) + "-" + PARENT + "-01", false));
    for (boolean traced : new boolean[] {false, true}) {
      try (Collector collector = Collector.start();
          StandIns services = StandIns.start();
          TestGateway gateway = gateway(traced, collector).with(services.urls()).start()) {
        Client caller = new Client(gateway, gateway.keyWithRole(List.of("maria_k"), "patient"));
        for (Map.Entry<String, Boolean> parent : parents) {
          List<Received> calls = callsOf(caller, services, "traceparent", parent.getKey());
          Set<String> ids = new TreeSet<>();
          Set<String> traces = new TreeSet<>();
          calls.forEach(call -> ids.add(call.parentId));
          calls.forEach(call -> traces.add(call.traceId));
          String what = "tracing " + traced + ", " + parent.getKey() + ": " + calls;
          assertTrue(calls.size() >= 5, what);
          assertEquals(calls.size(), ids.size(), what);
          assertEquals(1, traces.size(), what);
          assertEquals(parent.getValue(), traces.contains(TRACE), what);
        }
      }
    }
  }
}
