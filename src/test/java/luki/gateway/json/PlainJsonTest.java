package luki.gateway.json;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is accepted without a tree is what the reader of trees accepts. */
class PlainJsonTest {
  private static final String[] SEEDS = {
    "{\"id\": \"a\\u00e9\\n\", \"list\": [1, -2.5, 0, {\"b\": null, \"c\": true}], \"d\": \"\"}",
    "[[], {}, [{}], \"\\\"\\\\\\/\\b\\f\\r\\t\", false, -0, 0.10]",
    "{\"a\":1,\"aa\":2,\"b\":{\"a\":3,\"b\":4},\"c\":[{\"a\":5},{\"a\":6}]}",
    " \"text\" ",
    "12345",
    "{\"\u00e4\":\"\u00fc \u2028 \ud55c \ud83c\udf75 \udbff\udfff\",\"\u00f6\":[\"\u07ff\u0800\"]}",
    "{\"a\":{\"a\":{\"a\":{\"b\":1,\"c\":2}}},\"b\":\"\\uD83C\"}",
    "{\"text\":\"She walked along the river with Anna \u201cand\u201d Peter,\\nand the dog, in May.\"}"
  };
  private static final String ALPHABET = "{}[]\",:\\ab01.-eEtrufalsn \n\t/";

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static boolean isRead(byte[] text) {
    try {
      Json _ = Json.parseReply(text);
      return true;
    } catch (InvalidJson refused) {
      return false;
    }
  }

  @Test
  void acceptsByItselfOnlyWhatTheReaderAccepts() {
    Random random = new Random(11);
    int certain = 0;
    int refused = 0;
    for (int i = 0; i < 300_000; i++) {
      byte[] text = changed(bytes(SEEDS[random.nextInt(SEEDS.length)]), random);
      if (PlainJson.isCertain(text)) {
        assertTrue(isRead(text), () -> new String(text, StandardCharsets.UTF_8));
        certain++;
      } else if (!isRead(text)) {
        refused++;
      }
    }
    assertTrue(certain > 30_000 && refused > 30_000, certain + " and " + refused);
  }

  private static byte[] changed(byte[] text, Random random) {
    for (int n = random.nextInt(3); n > 0; n--) {
      int at = random.nextInt(text.length);
      text[at] =
          random.nextInt(8) == 0
              ? (byte) random.nextInt(256)
              : (byte) ALPHABET.charAt(random.nextInt(ALPHABET.length()));
    }
    return text;
  }

  /** Texts are read eight bytes at a time: each byte in each place of such a group. */
  @Test
  void noByteIsMissedInALongText() {
    for (int at = 2; at < 26; at++) {
      for (int octet = 0; octet < 256; octet++) {
        byte[] text = bytes("[\"" + "good dogs ".repeat(3) + "\"]");
        text[at] = (byte) octet;
        boolean plain = octet >= ' ' && octet < 0x80 && octet != '"' && octet != '\\';
        assertEquals(plain, PlainJson.isCertain(text) && isRead(text), at + ": " + octet);
        assertTrue(isRead(text) || !PlainJson.isCertain(text), at + ": " + octet);
      }
    }
  }

  @Test
  void acceptsTheUsualReplyByItself() {
    for (String seed : SEEDS) {
      assertTrue(PlainJson.isCertain(bytes(seed)), seed);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "{\"a\":1,\"a\":2}",
        "{\"a\":{},\"b\":1,\"a\":2}",
        "01",
        "-",
        "1.",
        ".5",
        "+1",
        "\"\\x\"",
        "\"\\u12G4\"",
        "\"\t\"",
        "tru",
        "truee",
        "{} {}",
        "NaN",
        "\u0000",
        "{\"a\" 1}",
        "'a'"
      })
  void refusesWhatIsNotStrictJson(String text) {
    assertFalse(PlainJson.isCertain(bytes(text)));
    assertFalse(Json.isReply(bytes(text)));
  }

  @Test
  void leavesWhatItCannotDecideToTheReader() {
    for (String text :
        new String[] {"1e5", "{\"\\u0061\":1}", "1234567890123456789012", names(40)}) {
      assertFalse(PlainJson.isCertain(bytes(text)), text);
      assertTrue(Json.isReply(bytes(text)), text);
    }
    assertFalse(Json.isReply(bytes("{\"a\":1,\"\\u0061\":2}")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "c3", "c3 28", "c0 80", "c1 bf", "e0 9f bf", "ed a0 80", "ed bf bf", "f0 8f bf bf",
        "f4 90 80 80", "f5 80 80 80", "80", "bf", "e2 82", "f0 9f 8d", "fe", "ff"
      })
  void refusesWhatIsNotStrictUtf8(String hex) {
    byte[] inner = HexFormat.ofDelimiter(" ").parseHex(hex);
    byte[] text = new byte[inner.length + 2];
    text[0] = '"';
    System.arraycopy(inner, 0, text, 1, inner.length);
    text[text.length - 1] = '"';
    assertFalse(PlainJson.isCertain(text));
    assertFalse(Json.isReply(text));
  }

  private static String names(int count) {
    StringBuilder text = new StringBuilder("{\"n\":0");
    for (int i = 0; i < count; i++) {
      text.append(",\"n").append(i).append("\":0");
    }
    return text.append('}').toString();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 63, 64, 65, 200, 100_000})
  void nestsAsDeepAsTheReader(int depth) {
    String deep = "[".repeat(depth) + "]".repeat(depth);
    assertEquals(depth <= 64, PlainJson.isCertain(bytes(deep)));
    assertEquals(depth <= 64, Json.isReply(bytes(deep)));
    String objects = "{\"a\":".repeat(depth) + "1" + "}".repeat(depth);
    assertEquals(depth <= 64, assertDoesNotThrow(() -> Json.isReply(bytes(objects))));
  }
}
