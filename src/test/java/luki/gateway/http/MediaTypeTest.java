package luki.gateway.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class MediaTypeTest {
  @Test
  void aLongQuotedParameterDoesNotOverflowTheStack() {
    String vast = "application/json; charset=\"" + "a".repeat(1_000_000) + "\"";
    assertFalse(MediaType.parse(vast).orElseThrow().isJson());
    String escaped = "application/json; x=\"" + "\\\\".repeat(500_000) + "\"";
    assertTrue(MediaType.parse(escaped).orElseThrow().isJson());
    assertTrue(MediaType.parse("application/json" + ";".repeat(100_000)).isPresent());
  }

  @Test
  void jsonIsRecognisedInEachSpelling() {
    for (String json :
        List.of(
            "application/json",
            "Application/JSON; charset=UTF-8",
            "application/json;charset=\"utf-8\"",
            " application/json ; x=y")) {
      assertTrue(MediaType.parse(json).orElseThrow().isJson(), json);
    }
    for (String other :
        List.of("text/json", "application/json; charset=latin1", "application/ld+json")) {
      assertFalse(MediaType.parse(other).orElseThrow().isJson(), other);
    }
    assertEquals(true, MediaType.parse("application/json; charset=").isEmpty());
  }

  @Test
  void theMostSpecificRangeDecides() {
    String events = "text/event-stream";
    assertTrue(MediaType.accepts(List.of(), events));
    assertTrue(MediaType.accepts(List.of("*/*"), events));
    assertTrue(MediaType.accepts(List.of("application/json, text/*;q=0.1"), events));
    assertFalse(MediaType.accepts(List.of("*/*", "text/event-stream;q=0.000"), events));
    assertFalse(MediaType.accepts(List.of("application/json"), events));
  }
}
