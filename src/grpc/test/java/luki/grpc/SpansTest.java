package luki.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.opentelemetry.proto.trace.v1.Span;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import luki.gateway.testing.Collector;
import luki.memory.v1.SearchRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A call over gRPC has the spans that a request over HTTP has. */
@Timeout(60)
class SpansTest {
  private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
  private static final String PARENT = "00f067aa0ba902b7";

  @Test
  void aCallHasASpanAndItsCallToTheServiceAnother() {
    try (Collector collector = Collector.start();
        Site site =
            new Site(
                Map.of(
                    "OTEL_EXPORTER_OTLP_ENDPOINT",
                    collector.url(),
                    "OTEL_BSP_SCHEDULE_DELAY",
                    "50"))) {
      String key = site.gateway.key(List.of("maria_k"), "elr:read");
      var caller =
          site.with(Map.of("x-api-key", key, "traceparent", "00-" + TRACE + "-" + PARENT + "-01"));
      SearchRequest search =
          SearchRequest.newBuilder().setUserId("maria_k").setQuery("hiking").build();
      Object _ = Site.call(caller, MemoryMethods.SEARCH, search);

      // The call itself, three steps, the question about consent, and the call to the service.
      List<Span> spans = collector.await(TRACE, 6);
      Span call = first(spans, span -> span.getKind() == Span.SpanKind.SPAN_KIND_SERVER);
      assertEquals(PARENT, Collector.hex(call.getParentSpanId().toByteArray()));
      assertEquals("POST /luki.memory.v1.Memory/Search", call.getName());
      String told = site.memory.heads.getLast().get(Site.text("traceparent"));
      Span toService = first(spans, span -> told.equals(traceparent(span)));
      assertEquals(Span.SpanKind.SPAN_KIND_CLIENT, toService.getKind());
      assertEquals(call.getSpanId(), toService.getParentSpanId());
    }
  }

  private static Span first(List<Span> spans, Predicate<Span> wanted) {
    return spans.stream().filter(wanted).findFirst().orElseThrow();
  }

  private static String traceparent(Span span) {
    return "00-" + TRACE + "-" + Collector.hex(span.getSpanId().toByteArray()) + "-01";
  }
}
