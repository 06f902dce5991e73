package luki.gateway.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import luki.gateway.json.Json;
import luki.gateway.json.JsonSchema;
import luki.gateway.json.Located;
import luki.http1.Fields;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Values of a request that are parsed by strict rules: targets, media types and user ids. */
class RequestValuesTest {
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

  private static final String PIECES =
      "aZ09%2fFg.;/\\ \u0000\u001f\u007f\u0085é\u2028\ud83d\ude00?#+&=|";

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ".",
        "..",
        "a/b",
        "a\\b",
        "a;b",
        "a\u0000",
        "a\nb",
        "\u007f",
        "\u0085",
        "%2f",
        "a%41",
        "%Ab",
        "a\ud800b",
        "\ude00"
      })
  void anIdThatCouldMeanAnotherPathIsRefused(String text) {
    assertEquals(Optional.empty(), UserId.parse(text));
  }

  @Test
  void itHasAtMost255Characters() {
    assertTrue(UserId.parse("é".repeat(255)).isPresent());
    assertTrue(UserId.parse("\ud83d\ude00".repeat(255)).isPresent());
    assertEquals(Optional.empty(), UserId.parse("a".repeat(256)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"maria_k", "a b", "100%", "%", "%4", "%zz", "...", "a?b#c", "+", "é|ü", "a=b&c"})
  void everyOtherIdIsAccepted(String text) {
    assertTrue(UserId.parse(text).isPresent());
  }

  /** The contract's schema of a user id is checked by this code where it has this pattern. */
  @Test
  void theCodeForUserIdsAcceptsWhatThePatternOfTheContractDoes() throws Exception {
    Json schemas = Located.read(Path.of("config/openapi.yaml")).root().at("components");
    assertEquals(UserId.PATTERN, schemas.at("schemas").at("UserId").at("pattern").string());
    JsonSchema schema =
        JsonSchema.compile(Json.object().put("pattern", UserId.PATTERN).build(), Json.MISSING);
    Random random = new Random(12);
    int accepted = 0;
    for (int round = 0; round < 200_000; round++) {
      StringBuilder text = new StringBuilder();
      for (int length = random.nextInt(6); length > 0; length--) {
        text.append(PIECES.charAt(random.nextInt(PIECES.length())));
      }
      boolean matches = UserId.matches(text.toString());
      accepted += matches ? 1 : 0;
      boolean halfPair = text.chars().anyMatch(c -> Character.isSurrogate((char) c));
      boolean byPattern = schema.validate(Json.of(text.toString())).isEmpty();
      assertTrue(matches ? byPattern : !byPattern || halfPair, text::toString);
    }
    assertTrue(accepted > 10_000, accepted + " accepted");
  }

  @Test
  void anIdempotencyKeyHas1To255VisibleCharactersInQuotesOrNot() {
    String longest = "k".repeat(255);
    assertEquals(longest, IdempotencyKey.parse(longest));
    assertEquals(longest, IdempotencyKey.parse('"' + longest + '"'));
    assertEquals("a\"b\\c", IdempotencyKey.parse("\"a\\\"b\\\\c\""));
    for (String wrong :
        List.of(
            "",
            "\"\"",
            "\"",
            "\"a",
            "a\"",
            "a\"b",
            "\"a\\\"",
            "\"a\\b\"",
            "a b",
            "\"a b\"",
            "é",
            longest + "k",
            '"' + longest + "k\"")) {
      assertNull(IdempotencyKey.parse(wrong), wrong);
    }
  }

  @Test
  void eachIdSurvivesEncodingInAPathAndInAQuery() {
    Random random = new Random(11);
    int accepted = 0;
    for (int round = 0; round < 200_000; round++) {
      StringBuilder text = new StringBuilder();
      for (int length = 1 + random.nextInt(6); length > 0; length--) {
        text.append(PIECES.charAt(random.nextInt(PIECES.length())));
      }
      UserId user = UserId.parse(text.toString()).orElse(null);
      if (user != null) {
        accepted++;
        String coded = PercentCoding.encode(user.value());
        assertEquals(
            List.of("users", user.value()),
            Target.parse("/users/" + coded).map(Target::segments).orElse(List.of()));
        assertEquals(user.value(), Query.parse("id=" + coded).only("id"));
      }
    }
    assertTrue(accepted > 10_000, accepted + " accepted");
  }

  @Test
  void aRequestForTheSameCallerIsForTheSameVersion() {
    Fields fields = Fields.of(UpstreamVersion.FIELD, "canary");
    Request.Input nothing = new Request.Input(InputStream.nullInputStream(), 0);
    Request first = new Request(Method.GET, Query.NONE, fields, nothing, "127.0.0.1", () -> {});
    Request own = first.forSameCaller(Method.POST, Query.NONE, Fields.NONE, new byte[0], () -> {});
    assertEquals(fields.all(UpstreamVersion.FIELD), own.headers().all(UpstreamVersion.FIELD));
  }
}
