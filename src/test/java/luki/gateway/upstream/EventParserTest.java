package luki.gateway.upstream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import luki.http1.ByteBudget;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The grammar of event streams, however the network splits the bytes. */
@Timeout(30)
class EventParserTest {
  private static final Path STREAMS = Path.of("test-fixtures", "sse", "sse-streams.json");
  private static final int LIMIT = 4 << 20;

  /** How the bytes are split into network reads. */
  enum Chunking {
    WHOLE,
    ONE_BYTE,
    SEVEN_BYTES,
    INSIDE_EVERY_CRLF,
    INSIDE_EVERY_CHARACTER;

    boolean cutsBefore(byte[] bytes, int at) {
      return switch (this) {
        case WHOLE -> false;
        case ONE_BYTE -> true;
        case SEVEN_BYTES -> at % 7 == 0;
        case INSIDE_EVERY_CRLF -> bytes[at] == '\n' && bytes[at - 1] == '\r';
        case INSIDE_EVERY_CHARACTER -> (bytes[at] & 0xC0) == 0x80;
      };
    }
  }

  static Stream<Arguments> everyStreamInEveryChunking() throws IOException {
    List<Arguments> all = new ArrayList<>();
    for (JsonNode stream : JsonMapper.builder().build().readTree(Files.readString(STREAMS))) {
      for (Chunking chunking : Chunking.values()) {
        all.add(Arguments.of(stream.path("id").asText(), chunking, stream));
      }
    }
    return all.stream();
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("everyStreamInEveryChunking")
  void parsesTheSameEventsHoweverTheBytesAreSplit(String id, Chunking chunking, JsonNode stream)
      throws Exception {
    byte[] bytes = HexFormat.of().parseHex(stream.path("raw_hex").asText());

    List<String> events =
        data(parsed(new EventParser(LIMIT, ByteBudget.unlimited()), bytes, chunking));

    assertEquals(stream.path("events").size(), events.size(), id);
    for (int i = 0; i < events.size(); i++) {
      JsonNode expected = stream.path("events").path(i);
      if (expected.has("data_len")) {
        assertEquals(expected.path("data_len").asInt(), events.get(i).length());
      } else {
        assertEquals(expected.path("data").asText(), events.get(i));
      }
    }
  }

  @Test
  void coversEachRuleOfTheGrammar() throws IOException {
    assertTrue(everyStreamInEveryChunking().count() >= 16L * Chunking.values().length);
  }

  @Test
  void acceptsAnEventOfExactlyTheLimitAndFailsOneByteLater() throws Exception {
    assertEquals(
        List.of("0123456789"),
        dataOf(new EventParser(16, ByteBudget.unlimited()), "data: 0123456789\n\n"));

    EventParser parser = new EventParser(16, ByteBudget.unlimited());
    assertThrows(Failures.UnusableReply.class, () -> feed(parser, "data: 0123456789x\n\n"));
  }

  @Test
  void countsTheBytesOfAllLinesOfOneEvent() {
    EventParser parser = new EventParser(16, ByteBudget.unlimited());

    assertThrows(
        Failures.UnusableReply.class, () -> feed(parser, "data: 01\ndata: 23\ndata: 4\n\n"));
  }

  @Test
  void anEndlessLineFailsAtTheLimit() {
    neverEnds("x");
  }

  @Test
  void anEndlessCommentFailsAtTheLimit() {
    neverEnds(": still here\n");
  }

  private static void neverEnds(String piece) {
    EventParser parser = new EventParser(64, ByteBudget.unlimited());
    assertThrows(
        Failures.UnusableReply.class,
        () -> {
          for (int i = 0; i < 100; i++) {
            feed(parser, piece);
          }
        });
  }

  @Test
  void theLimitIsForOneEventAndNotForTheStream() throws Exception {
    assertEquals(
        50,
        dataOf(new EventParser(16, ByteBudget.unlimited()), "data: 012345\n\n".repeat(50)).size());
  }

  @Test
  void commentsAreIgnoredBetweenAndInsideEvents() throws Exception {
    assertEquals(
        List.of("a\nb", "c"),
        dataOf(": hi\n\ndata: a\n: not data\n:data: x\ndata: b\n\n:\n\n: bye\n\ndata: c\n\n"));
  }

  @Test
  void dropsOneByteOrderMarkAtTheStart() throws Exception {
    assertEquals(List.of("a"), dataOf("\uFEFFdata: a\n\n"));
    // The second one is part of an unknown field name.
    assertEquals(List.of("b"), dataOf("\uFEFF\uFEFFdata: a\n\ndata: b\n\n"));
    assertEquals(List.of("\uFEFFb"), dataOf("data: \uFEFFb\n\n"));
    assertEquals(List.of("a"), dataOf("data: a\n\n\uFEFFdata: b\n\n"));
  }

  @Test
  void dropsASplitByteOrderMark() throws Exception {
    byte[] bytes = "\uFEFFdata: a\n\n".getBytes(StandardCharsets.UTF_8);

    assertEquals(
        List.of("a"),
        data(parsed(new EventParser(LIMIT, ByteBudget.unlimited()), bytes, Chunking.ONE_BYTE)));
  }

  @Test
  void dropsOneSpaceAfterTheColon() throws Exception {
    assertEquals(
        List.of(" a ", "b", "\tc", "x: y"),
        dataOf("data:  a \n\ndata:b\n\ndata:\tc\n\ndata: x: y\n\n"));
  }

  @Test
  void fieldNamesMustMatchExactly() throws Exception {
    assertEquals(
        List.of("z"), dataOf("DATA: a\n\n data: b\n\ndata : c\n\ndatax: d\n\ndata: z\n\n"));
  }

  @Test
  void anEventNeedsADataFieldWhichMayBeEmpty() throws Exception {
    assertEquals(List.of("", "", "\n"), dataOf("data\n\ndata:\n\nevent: x\n\ndata\ndata\n\n\n\n"));
  }

  @Test
  void aTypeIsSkippedAndDispatchesNothingByItself() throws Exception {
    assertEquals(List.of("a", "b"), dataOf("event: lost\n\ndata: a\n\nevent: t\ndata: b\n\n"));
  }

  @Test
  void anIdIsSkippedAndDispatchesNothingByItself() throws Exception {
    assertEquals(
        List.of("a", "b", "c"), dataOf("id: 1\n\ndata: a\n\nid: 2\0\ndata: b\n\nid\ndata: c\n\n"));
  }

  @Test
  void invalidUtf8IsReplacedAndConsumesNothingAfterIt() throws Exception {
    EventParser parser = new EventParser(LIMIT, ByteBudget.unlimited());
    byte[] bytes = latin1("data: \u00ff\u00fea\ndata: \u00e2\u0082\ndata: \u00f0\u009fx\n\n");

    assertEquals(
        List.of("\uFFFD\uFFFDa\n\uFFFD\n\uFFFDx"), data(parsed(parser, bytes, Chunking.WHOLE)));
  }

  @Test
  void anEventIsCompleteAtTheFirstByteOfItsBlankLineEnd() throws Exception {
    EventParser parser = new EventParser(LIMIT, ByteBudget.unlimited());

    feed(parser, "data: a\r\n\r");
    assertEquals(List.of("a"), data(drained(parser)), "no waiting for the line feed");
    feed(parser, "\ndata: b\r\n\r\n");
    assertEquals(List.of("b"), data(drained(parser)), "whose line feed is no blank line");
  }

  @Test
  void readsOnlyTheGivenPartOfTheBuffer() throws Exception {
    EventParser parser = new EventParser(LIMIT, ByteBudget.unlimited());

    parser.feed("data: a\n\nYY".getBytes(StandardCharsets.US_ASCII), 9);
    feed(parser, "data: b\n\n");

    assertEquals(List.of("a", "b"), data(drained(parser)));
  }

  private static List<EventParser.Event> parsed(EventParser parser, byte[] bytes, Chunking chunking)
      throws IOException {
    List<EventParser.Event> events = new ArrayList<>();
    int from = 0;
    for (int i = 1; i <= bytes.length; i++) {
      if (i == bytes.length || chunking.cutsBefore(bytes, i)) {
        parser.feed(Arrays.copyOfRange(bytes, from, i), i - from);
        events.addAll(drained(parser));
        from = i;
      }
    }
    return events;
  }

  private static List<EventParser.Event> drained(EventParser parser) {
    List<EventParser.Event> events = new ArrayList<>();
    for (var event = parser.poll(); event != null; event = parser.poll()) {
      events.add(event);
    }
    return events;
  }

  private static List<String> dataOf(String text) throws IOException {
    return dataOf(new EventParser(LIMIT, ByteBudget.unlimited()), text);
  }

  private static List<String> dataOf(EventParser parser, String text) throws IOException {
    feed(parser, text);
    return data(drained(parser));
  }

  private static List<String> data(List<EventParser.Event> events) {
    return events.stream().map(event -> new String(event.bytes(), StandardCharsets.UTF_8)).toList();
  }

  private static void feed(EventParser parser, String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    parser.feed(bytes, bytes.length);
  }

  private static byte[] latin1(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }
}
