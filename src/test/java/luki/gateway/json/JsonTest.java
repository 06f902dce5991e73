package luki.gateway.json;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import luki.gateway.json.JsonSchema.Violation;
import luki.gateway.testing.Unchecked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Each accepted text has one meaning: what two parsers could read differently is refused. */
class JsonTest {
  private static Json parsed(String text) {
    return assertDoesNotThrow(() -> Json.parse(text.getBytes(StandardCharsets.UTF_8)));
  }

  private static Violation refused(byte[] bytes) {
    return assertThrows(InvalidJson.class, () -> Json.parse(bytes)).violation();
  }

  private static Violation refused(String text) {
    return refused(text.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void refusesADuplicateMember() {
    assertEquals("/a", duplicate("{\"a\":1,\"a\":1}"));
    assertEquals("/a", duplicate("{\"a\":1,\"b\":2,\"a\":null}"));
    assertEquals("/x/1/a", duplicate("{\"x\":[0,{\"a\":1,\"a\":2}]}"));
    assertEquals("/a", duplicate("{\"a\":1,\"\\u0061\":2}"));
    assertEquals("/a~1b", duplicate("{\"a/b\":1,\"a\\/b\":2}"));
    assertEquals("/é", duplicate("{\"é\":1,\"\\u00E9\":2}"));
    assertEquals("/😀", duplicate("{\"😀\":1,\"\\uD83D\\ude00\":2}"));
    assertEquals("/", duplicate("{\"\":1,\"\":2}"));
  }

  private static String duplicate(String text) {
    Violation invalid = refused(text);
    assertEquals("duplicate", invalid.rule());
    return invalid.pointer();
  }

  /** Such as one for each open stream. */
  @Test
  void aThreadThatWaitsKeepsNoBuffers() throws Exception {
    int threads = 4_000;
    CountDownLatch parsed = new CountDownLatch(threads);
    CountDownLatch end = new CountDownLatch(1);
    long before = usedMemory();
    for (int i = 0; i < threads; i++) {
      Thread _ =
          Thread.startVirtualThread(
              () -> {
                assertEquals(17, parsed("{\"text\":\"a\\u0062cdef\"}").bytes().length);
                parsed.countDown();
                Unchecked.run(end::await);
              });
    }
    assertTrue(parsed.await(20, TimeUnit.SECONDS));
    long each = (usedMemory() - before) / threads;
    end.countDown();
    assertTrue(each < 6_000, each + " bytes each");
  }

  private static long usedMemory() {
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    return runtime.totalMemory() - runtime.freeMemory();
  }

  @Test
  void distinguishesNamesThatLookAlike() {
    assertEquals(2, parsed("{\"a\":1,\"A\":2}").size());
    assertEquals(2, parsed("{\"\u00e9\":1,\"e\u0301\":2}").size());
    assertEquals(2, parsed("[{\"a\":1},{\"a\":2}]").size());
  }

  @Test
  void acceptsNestingUpToSixtyFour() {
    for (String[] pair : new String[][] {{"[", "]"}, {"{\"a\":", "}"}}) {
      String inner = pair[0].equals("[") ? "" : "1";
      parsed(pair[0].repeat(64) + inner + pair[1].repeat(64));
      Violation deep = refused(pair[0].repeat(65) + inner + pair[1].repeat(65));
      assertEquals("nesting", deep.rule());
    }
    assertTimeoutPreemptively(
        Duration.ofSeconds(5),
        () -> {
          assertEquals("nesting", refused("[".repeat(1_000_000)).rule());
          assertEquals("nesting", refused("{\"a\":".repeat(1_000_000)).rule());
        });
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "22ff22", // no such byte
        "22c0af22", // a slash in two bytes
        "22e080af22", // a slash in three
        "22f08080af22", // a slash in four
        "22c08022", // NUL in two
        "22eda08022", // a surrogate in three (CESU-8)
        "22eda0bdedb88022", // a pair of them
        "22f490808022", // above U+10FFFF
        "22e28222", // cut short
        "2280", // a tail without a head
        "7bc2",
        "22c3"
      })
  void refusesInvalidUtf8(String hex) {
    byte[] bytes = HexFormat.of().parseHex(hex);
    assertEquals("utf-8", refused(bytes).rule());
    assertThrows(InvalidJson.class, () -> Json.parseReply(bytes));
  }

  @Test
  void refusesAByteOrderMarkAndOtherEncodings() {
    refused("\uFEFF{}");
    for (var charset :
        List.of(
            StandardCharsets.UTF_16,
            StandardCharsets.UTF_16LE,
            StandardCharsets.UTF_16BE,
            StandardCharsets.UTF_32)) {
      refused("{\"a\":\"b\"}".getBytes(charset));
      refused("7".getBytes(charset));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"\\ud83c", "\\uDF75", "x\\ud83cx", "\\udf75\\ud83c", "\\ud83c\\ud83c"})
  void refusesLoneSurrogatesAndReplacesThoseOfAService(String half) throws Exception {
    String text = "\"" + half + "\"";
    assertEquals("unicode", refused(text).rule());
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    assertTrue(Json.parseReply(bytes).toString().contains("\uFFFD"));
    assertEquals(Json.parseReply(bytes), Json.parseReply(text));
  }

  @Test
  void refusesLoneSurrogatesInNames() {
    String text = "{\"x\\ud83c\":1}";
    refused(text);
    assertThrows(InvalidJson.class, () -> Json.parseReply(text));
  }

  @Test
  void acceptsSurrogatePairs() {
    assertEquals("🍵", parsed("\"\\ud83c\\udf75\"").string());
    assertEquals("🍵", parsed("\"🍵\"").string());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "\n",
        "{",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{a:1}",
        "{'a':1}",
        "'a'",
        "{1:2}",
        "{null:1}",
        "{} {}",
        "{}x",
        "[]]",
        "1 2",
        "{}\u0000",
        "NaN",
        "Infinity",
        "-Infinity",
        "[NaN]",
        "nul",
        "True",
        "None",
        "undefined",
        "nulll",
        "01",
        "-01",
        "00",
        "+1",
        ".5",
        "1.",
        "1.e1",
        "1e",
        "1e+",
        "-",
        "--1",
        "0x10",
        "1_000",
        "1f",
        "\u0661",
        "// x\n1",
        "/* x */1",
        "1 // x",
        "# x\n1",
        "\"a",
        "\"\\x41\"",
        "\"\\u00\"",
        "\"\\u00g0\"",
        "\"\\'\"",
        "\"a\nb\"",
        "\"a\tb\"",
        "\"a\u0000b\"",
        "\"a\u001fb\"",
        "\"\\\n\"",
        "\u00a01",
        "\u000b1",
        "\f1",
        "[1 2]",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":1;}",
        "<a/>"
      })
  void refusesWhatIsNotStrictJson(String text) {
    assertEquals("json", refused(text).rule());
    assertThrows(InvalidJson.class, () -> Json.parseReply(text));
  }

  @Test
  void neverQuotesWhatItRefuses() {
    for (String text :
        List.of(
            "hostile",
            "\"hostile",
            "{\"a\":hostile}",
            "[1,\"hostile\"x",
            "{\"a\":\"hostile\u0001\"}")) {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      InvalidJson invalid = assertThrows(InvalidJson.class, () -> Json.parse(bytes));
      assertTrue(!invalid.toString().contains("hostile"), invalid::toString);
    }
    String name = "n".repeat(3000);
    assertTrue(duplicate("{\"" + name + "\":1,\"" + name + "\":1}").length() < 100);
  }

  /** Random changes: each text is parsed or refused, and a parsed one is written back equal. */
  @Test
  void randomChangesAreParsedOrRefused() {
    byte[] seed =
        "{\"a\":[1,2.5,-3e4,\"x\\u00e9\\n🍵\",{\"b\":null,\"c\":true}],\"d\":\"\"}"
            .getBytes(StandardCharsets.UTF_8);
    Random random = new Random(7);
    int read = 0;
    for (int i = 0; i < 50_000; i++) {
      byte[] bytes = seed.clone();
      for (int n = random.nextInt(3); n >= 0; n--) {
        bytes[random.nextInt(bytes.length)] =
            random.nextBoolean() ? (byte) random.nextInt(256) : bytes[random.nextInt(bytes.length)];
      }
      try {
        Json json = Json.parse(bytes);
        assertEquals(json.toString(), Json.parse(json.bytes()).toString());
        read++;
      } catch (InvalidJson refused) {
        assertTrue(
            List.of("json", "utf-8", "duplicate", "unicode", "number")
                .contains(refused.violation().rule()));
      }
    }
    assertTrue(read > 1000, "too few were JSON to prove anything: " + read);
  }

  @ParameterizedTest
  @CsvSource({
    "0.10, 0.10",
    "1.0, 1.0",
    "2.50, 2.50",
    "-0.0000001, -0.0000001",
    "0.1234567890123456789012345678901234567890, 0.1234567890123456789012345678901234567890",
    "123456789012345678901234567890, 123456789012345678901234567890",
    "9007199254740993, 9007199254740993",
    "-9223372036854775809, -9223372036854775809"
  })
  void keepsADecimalDigitForDigit(String text, String same) {
    Json read = assertDoesNotThrow(() -> Json.parseReply("[" + text + "]"));
    String written = read.toString();
    String digits = written.substring(1, written.length() - 1);
    assertEquals(new BigDecimal(same), new BigDecimal(digits));
    assertEquals(new BigDecimal(same).scale(), new BigDecimal(digits).scale());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "1e999999999",
        "-1e999999999",
        "1e-999999999",
        "1e2147483647",
        "1e2147483648",
        "1e99999999999999999999",
        "0e999999999",
        "1.5E+999999999"
      })
  void aHugeNumberIsHandledInTime(String number) {
    assertTimeoutPreemptively(
        Duration.ofSeconds(5),
        () -> {
          try {
            Json json = Json.parse(("[" + number + "]").getBytes(StandardCharsets.UTF_8));
            OptionalLong whole = json.at(0).integer();
            assertTrue(whole.isEmpty() || whole.getAsLong() == 0, number);
            assertTrue(json.toString().length() < 100, "written out in full");
            Json again = Json.parse(json.bytes());
            assertEquals(json, again);
            assertEquals(json.hashCode(), again.hashCode());
          } catch (InvalidJson refused) {
            assertTrue(List.of("json", "number").contains(refused.violation().rule()));
          }
        });
  }

  @Test
  void numbersOfHundredsOfDigitsAreHandledInTime() {
    assertTimeoutPreemptively(
        Duration.ofSeconds(5),
        () -> {
          for (int digits : List.of(200, 256, 257, 300, 500_000)) {
            for (String number :
                List.of("9".repeat(digits), "0." + "9".repeat(digits), "1e" + "9".repeat(digits))) {
              try {
                Json json = Json.parse(number.getBytes(StandardCharsets.UTF_8));
                assertTrue(json.integer().isEmpty());
                assertTrue(json.toString().length() <= number.length() + 3);
              } catch (InvalidJson refused) {
                assertTrue(List.of("json", "number").contains(refused.violation().rule()));
              }
            }
          }
        });
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "18446744073709551626",
        "-9223372036854775809",
        "18446744073709551626.0",
        "123456789012345678901234567890.50",
        "-1E+30",
        "1.5E+40",
        "1E+255"
      })
  void aCallersNumberBeyond64BitsIsKeptAsItIs(String number) {
    assertEquals("[" + number + "]", parsed("[" + number + "]").toString());
    assertEquals(OptionalLong.empty(), parsed(number).integer());
  }

  @Test
  void aCallersNumberOfMoreThan256DigitsIsRefused() {
    String most = "9".repeat(256);
    for (String good : List.of(most, "-" + most.substring(1), "0." + most.substring(2), "1e255")) {
      parsed("{\"n\":" + good + "}");
    }
    for (String bad :
        List.of(
            most + "9", "-" + most, "0." + most, "1e256", "-1e256", "1e999999999", "1e" + most)) {
      Violation refused = refused("{\"n\":" + bad + "}");
      assertEquals("number", refused.rule(), bad);
      assertEquals("/n", refused.pointer(), bad);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'a':1,}|1|8",
        "{'a':1|1|7",
        "{'a' 1}|1|6",
        "{'a':01}|1|7",
        "{'a':1}x|1|8",
        "{'a':1} {}|1|9",
        "{\\n  'a': nope\\n}|2|8",
        "{\\r\\n'é': 'b\\n'}|2|8",
        "[1,\\n\\n2,\\n|4|1",
        "''|1|1"
      })
  void whatIsNotJsonHasALineAndAColumn(String text, int line, int column) {
    String json = text.replace('\'', '"').replace("\\n", "\n").replace("\\r", "\r");
    Violation refused = refused(json);
    assertEquals("json", refused.rule());
    assertEquals(line + ":" + column, refused.line() + ":" + refused.column());
  }

  @Test
  void integersKeepTheirRange() {
    assertEquals(OptionalLong.of(Long.MAX_VALUE), parsed("9223372036854775807").integer());
    assertEquals(OptionalLong.of(Long.MIN_VALUE), parsed("-9223372036854775808").integer());
    Json beyond = assertDoesNotThrow(() -> Json.parseReply("9223372036854775808"));
    assertEquals(OptionalLong.empty(), beyond.integer());
    assertEquals(OptionalLong.of(100), parsed("1e2").integer());
    assertEquals(OptionalLong.empty(), parsed("1.5").integer());
    assertEquals(OptionalLong.empty(), parsed("\"1\"").integer());
    assertEquals(OptionalLong.empty(), parsed("true").integer());
  }
}
