package luki.gateway.observe;

import static luki.gateway.standin.RawUpstream.header;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.trace.v1.Span;
import io.opentelemetry.proto.trace.v1.Status;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.function.UnaryOperator;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.ChatStream;
import luki.gateway.testing.Client;
import luki.gateway.testing.Collector;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a collector receives for a request: parents, names and status, in one trace. */
@Timeout(60)
class TracesTest {
  private static final String READS = "/v1/cognitive/life-story/phases";
  private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
  private static final String PARENT = "00f067aa0ba902b7";
  private static final String SAMPLED = "00-" + TRACE + "-" + PARENT + "-01";

  private final Collector collector = Collector.start();
  private volatile String answer = RawUpstream.EMPTY_OBJECT;
  private volatile CountDownLatch mayAnswer = new CountDownLatch(0);
  private final RawUpstream service =
      RawUpstream.serving(
          (connection, _) -> {
            mayAnswer.await();
            connection.send(answer);
          });

  @AfterEach
  void stop() {
    mayAnswer.countDown();
    service.close();
    collector.close();
  }

  private TestGateway gateway() {
    return gateway(builder -> builder);
  }

  private TestGateway gateway(UnaryOperator<TestGateway.Builder> changes) {
    return changes
        .apply(
            TestGateway.builder()
                .with("COG_URL", service.url())
                .with("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url())
                .with("OTEL_BSP_SCHEDULE_DELAY", "50"))
        .start();
  }

  private static Client caller(TestGateway gateway) {
    return gateway.client("cognitive:read", "chat:write", "users:read");
  }

  private static Span named(List<Span> spans, String name) {
    return spans.stream()
        .filter(span -> span.getName().equals(name))
        .findFirst()
        .orElseThrow(() -> new AssertionError(name + " is not among " + spans));
  }

  private static String id(Span span) {
    return Collector.hex(span.getSpanId().toByteArray());
  }

  private static String parent(Span span) {
    return Collector.hex(span.getParentSpanId().toByteArray());
  }

  private static String attribute(Span span, String name) {
    return span.getAttributesList().stream()
        .filter(one -> one.getKey().equals(name))
        .map(KeyValue::getValue)
        .map(
            value ->
                value.hasStringValue()
                    ? value.getStringValue()
                    : Long.toString(value.getIntValue()))
        .findFirst()
        .orElse("");
  }

  /** The last call that was no health check. */
  private String call() {
    return service.requests().stream()
        .filter(request -> !request.startsWith("GET /health "))
        .reduce((_, last) -> last)
        .orElseThrow();
  }

  @Test
  void aSuccessIsOneTraceFromTheCallerToTheService() {
    try (TestGateway gateway = gateway()) {
      String[] headers = {"traceparent", SAMPLED, "tracestate", "vendor=a:b,other=1"};
      HttpReply reply = caller(gateway).get(READS, headers).expect(200);
      assertEquals(TRACE, reply.header("X-Trace-Id").orElseThrow());
      assertTrue(gateway.awaitLog(1).getFirst().contains("\"trace_id\":\"" + TRACE + "\""));
      List<Span> spans = collector.await(TRACE, 5);
      Span server = named(spans, "GET " + READS);
      assertEquals(Span.SpanKind.SPAN_KIND_SERVER, server.getKind());
      assertEquals(PARENT, parent(server));
      assertEquals("GET", attribute(server, "http.request.method"));
      assertEquals(READS, attribute(server, "http.route"));
      assertEquals("200", attribute(server, "http.response.status_code"));
      assertEquals(Status.StatusCode.STATUS_CODE_UNSET, server.getStatus().getCode());
      Span client = named(spans, "GET cognitive");
      assertEquals(Span.SpanKind.SPAN_KIND_CLIENT, client.getKind());
      for (String inner : List.of("authenticate", "limit", "consent", "GET cognitive")) {
        assertEquals(id(server), parent(named(spans, inner)), inner);
      }
      // The span of the service is a child of the attempt that called it.
      assertEquals("00-" + TRACE + "-" + id(client) + "-01", header(call(), "traceparent"));
      assertEquals("vendor=a:b,other=1", header(call(), "tracestate"));
      assertTrue(collector.resources().getFirst().contains("luki-api-gateway"));
      Set<String> attributes = new TreeSet<>();
      spans.forEach(span -> span.getAttributesList().forEach(one -> attributes.add(one.getKey())));
      assertEquals(
          Set.of(
              "http.request.method",
              "http.response.status_code",
              "http.route",
              "peer.service",
              "url.scheme"),
          attributes);
    }
  }

  @Test
  void anExemplarLeadsFromADurationToItsTrace() {
    try (TestGateway gateway = gateway()) {
      caller(gateway).get(READS, "traceparent", SAMPLED).expect(200);
      String exemplar = "trace_id=\"" + TRACE + "\"";
      Waiting.until(
          Duration.ofSeconds(5),
          () ->
              gateway
                  .stranger()
                  .get("/metrics", "Accept", "application/openmetrics-text")
                  .body()
                  .contains(exemplar));
    }
  }

  @Test
  void aClientErrorIsNotASpanErrorAndKeepsItsTrace() {
    try (TestGateway gateway = gateway()) {
      for (String path : List.of(READS, "/v1/nothing")) {
        HttpReply reply = gateway.stranger().get(path);
        String trace = reply.header("X-Trace-Id").orElseThrow();
        assertEquals(trace, reply.json().at("error").at("trace_id").string());
        // The span of a step may arrive in a batch before that of the request.
        Span server =
            Waiting.until(
                    Duration.ofSeconds(10),
                    () ->
                        collector.await(trace, 1).stream()
                            .filter(span -> span.getKind() == Span.SpanKind.SPAN_KIND_SERVER)
                            .toList(),
                    found -> !found.isEmpty())
                .getFirst();
        assertEquals("", parent(server));
        assertEquals(Status.StatusCode.STATUS_CODE_UNSET, server.getStatus().getCode());
        assertEquals(
            Integer.toString(reply.status()), attribute(server, "http.response.status_code"));
        assertEquals(path.equals(READS) ? "GET " + READS : "GET", server.getName());
      }
    }
  }

  @Test
  void aFailingServiceIsAnErrorInBothSpans() {
    answer = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n";
    try (TestGateway gateway = gateway()) {
      caller(gateway).get(READS, "traceparent", SAMPLED).expect(502);
      List<Span> spans = collector.await(TRACE, 5);
      Span server = named(spans, "GET " + READS);
      assertEquals(Status.StatusCode.STATUS_CODE_ERROR, server.getStatus().getCode());
      assertEquals("DOWNSTREAM_ERROR", attribute(server, "error.type"));
      assertEquals("502", attribute(server, "http.response.status_code"));
      Span client = named(spans, "GET cognitive");
      assertEquals(Status.StatusCode.STATUS_CODE_ERROR, client.getStatus().getCode());
      assertEquals("500", attribute(client, "http.response.status_code"));
      assertEquals("", server.getStatus().getMessage());
    }
  }

  @Test
  void aSilentServiceIsATimeout() {
    mayAnswer = new CountDownLatch(1);
    try (TestGateway gateway = gateway(builder -> builder.yaml("total: 30s", "total: 300ms"))) {
      caller(gateway).get(READS, "traceparent", SAMPLED).expect(504);
      List<Span> spans = collector.await(TRACE, 5);
      assertEquals("DOWNSTREAM_TIMEOUT", attribute(named(spans, "GET " + READS), "error.type"));
      Span client = named(spans, "GET cognitive");
      assertEquals("timeout", attribute(client, "error.type"));
      assertTrue(client.getEndTimeUnixNano() - client.getStartTimeUnixNano() > 250_000_000L);
    }
  }

  private static RawUpstream agent(int pauseMillis, int tokens) {
    return RawUpstream.start(
        connection -> {
          connection.readRequest();
          connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
          for (int i = 0; i < tokens; i++) {
            connection.send("data: {\"token\": \"x\"}\n\n");
            Thread.sleep(pauseMillis);
          }
          connection.send("data: {\"done\": true, \"tool_calls\": []}\n\n");
        });
  }

  @Test
  void theSpansOfAStreamEndWithItAndRecordItsFirstEvent() {
    try (RawUpstream agent = agent(100, 5);
        TestGateway gateway = gateway(builder -> builder.with("AGENT_URL", agent.url()))) {
      String chat = "{\"user_id\":\"maria_k\",\"message\":\"Hi\"}";
      caller(gateway).post("/v1/chat/stream", chat, "traceparent", SAMPLED).expect(200);
      List<Span> spans = collector.await(TRACE, 5);
      for (String name : List.of("POST /v1/chat/stream", "POST agent")) {
        Span span = named(spans, name);
        assertTrue(
            span.getEndTimeUnixNano() - span.getStartTimeUnixNano() > 450_000_000L,
            span.toString());
      }
      double first =
          named(spans, "POST /v1/chat/stream").getAttributesList().stream()
              .filter(one -> one.getKey().equals("luki.stream.first_event_s"))
              .findFirst()
              .orElseThrow()
              .getValue()
              .getDoubleValue();
      assertTrue(first > 0 && first < 0.45, first + " s");
    }
  }

  @Test
  void aClientDisconnectIsNotAnError() throws Exception {
    try (RawUpstream agent = agent(20, 500);
        TestGateway gateway = gateway(builder -> builder.with("AGENT_URL", agent.url()))) {
      String key = gateway.key(List.of("maria_k"), "chat:write");
      try (ChatStream stream = ChatStream.open(gateway, key, "traceparent: " + SAMPLED)) {
        assertEquals(200, stream.status());
      }
      Span server = named(collector.await(TRACE, 5), "POST /v1/chat/stream");
      assertEquals("client_closed", attribute(server, "luki.reply.end"));
      assertEquals(Status.StatusCode.STATUS_CODE_UNSET, server.getStatus().getCode());
    }
  }

  @Test
  void anUnsampledTraceIsNotExportedAndTheServiceIsInformed() {
    try (TestGateway gateway =
        gateway(
            builder ->
                builder
                    .with("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
                    .with("OTEL_TRACES_SAMPLER_ARG", "0"))) {
      Client maria = caller(gateway);
      maria.get(READS).expect(200);
      assertTrue(header(call(), "traceparent").endsWith("-00"), call());
      maria.get(READS, "traceparent", "00-" + TRACE + "-" + PARENT + "-00").expect(200);
      String sent = header(call(), "traceparent");
      assertTrue(sent.startsWith("00-" + TRACE) && sent.endsWith("-00"), sent);
      maria.get(READS, "traceparent", SAMPLED).expect(200);
      collector.await(TRACE, 5);
      Set<String> traces = new TreeSet<>();
      collector.spans().forEach(span -> traces.add(Collector.hex(span.getTraceId().toByteArray())));
      assertEquals(Set.of(TRACE), traces);
    }
  }

  @Test
  void aCollectorThatIsDownOrSlowDelaysNoRequest() {
    try (TestGateway gateway = gateway()) {
      Client maria = caller(gateway);
      maria.get(READS).expect(200);
      for (boolean down : new boolean[] {false, true}) {
        if (down) {
          collector.close();
        } else {
          collector.delay(Duration.ofSeconds(5));
        }
        long began = System.nanoTime();
        for (int i = 0; i < 100; i++) {
          maria.get(READS).expect(200);
        }
        long millis = (System.nanoTime() - began) / 1_000_000;
        assertTrue(millis < 4000, millis + " ms for a hundred calls");
      }
    }
  }

  @Test
  void tracestateIsForwardedOnlyWithAValidParentAndBaggageNever() {
    try (TestGateway gateway = gateway()) {
      Client maria = caller(gateway);
      String many = "a=1" + ",b=2".repeat(32);
      List<List<String>> cases =
          List.of(
              List.of("00-" + TRACE + "-" + PARENT + "-zz", "vendor=1"),
              List.of("00-" + "0".repeat(32) + "-" + PARENT + "-01", "vendor=1"),
              List.of(SAMPLED, many),
              List.of(SAMPLED, "no member"),
              List.of(SAMPLED, "Upper=1"));
      for (List<String> one : cases) {
        String[] headers = {
          "traceparent", one.get(0), "tracestate", one.get(1), "baggage", "user=maria"
        };
        HttpReply reply = maria.get(READS, headers).expect(200);
        assertEquals("", header(call(), "tracestate"), one.toString());
        assertFalse(call().toLowerCase(Locale.ROOT).contains("baggage"));
        assertEquals(
            one.get(0).equals(SAMPLED), reply.header("X-Trace-Id").orElseThrow().equals(TRACE));
      }
    }
  }

  @Test
  void anInvalidSettingPreventsStartup() {
    IllegalArgumentException refused =
        assertThrows(
            IllegalArgumentException.class,
            () -> gateway(builder -> builder.with("OTEL_TRACES_SAMPLER", "sometimes")));
    assertTrue(String.valueOf(refused.getMessage()).contains("OTEL_"), refused.getMessage());
  }
}
