package luki.gateway.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TargetTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "/a%zz",
        "/a%",
        "/a%4",
        "/a\\b",
        "/a\u0001",
        "/a#x",
        "a/b",
        "?x=1",
        "mailto:x",
        "ftp://h/a",
        "/a\u00e9",
        "/a b",
        ""
      })
  void anInvalidTargetIsRefused(String raw) {
    assertEquals(Optional.empty(), Target.parse(raw));
  }

  @Test
  void anAbsoluteFormMeansItsPath() {
    assertEquals(List.of(), Target.parse("http://host").orElseThrow().segments());
    assertEquals(List.of("a"), Target.parse("HTTPS://host:1/a?b").orElseThrow().segments());
    assertEquals("b", Target.parse("http://host?b").orElseThrow().rawQuery());
  }

  @Test
  void theAsteriskFormIsAccepted() {
    assertTrue(Target.parse("*").orElseThrow().asterisk());
    assertEquals(Optional.empty(), Target.parse("**"));
  }

  @Test
  void segmentsAreDecodedOnce() {
    assertEquals(
        List.of("v1", "žiga", "a b+c"),
        Target.parse("/v1/%C5%BEiga/a%20b+c").orElseThrow().segments());
    assertEquals(List.of("100%"), Target.parse("/100%25").orElseThrow().segments());
    assertEquals(Optional.empty(), Target.parse("/%2541"));
  }
}
