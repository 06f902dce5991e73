package luki.gateway.websocket;

import static luki.gateway.websocket.Frames.frame;
import static luki.gateway.websocket.Frames.joined;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import luki.gateway.testing.TestGateway;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Frames as RFC 6455 allows and forbids them, sent as bytes. */
@Timeout(60)
class FrameCorpusTest {
  private static final int TEXT = 0x81;
  private static final int FIRST = 0x01;
  private static final int MIDDLE = 0x00;
  private static final int LAST = 0x80;
  private static final int CLOSE = 0x88;
  private static final int PING = 0x89;
  private static final int PONG = 0x8a;

  private static TestGateway gateway;
  private static String key;

  @BeforeAll
  static void start() {
    assumeTrue(TestGateway.isEdge(), "the JDK's server cannot upgrade a connection");
    gateway = TestGateway.start(Map.of());
    key = gateway.key(List.of("maria_k"), "chat:write");
  }

  @AfterAll
  static void stop() {
    if (gateway != null) {
      gateway.close();
    }
  }

  private static Frames open() throws IOException {
    return Frames.open(gateway.port(), key);
  }

  private static byte[] hex(String text) {
    return HexFormat.of().parseHex(text.replace(" ", ""));
  }

  private static byte[] closing(int code) {
    return frame(CLOSE, new byte[] {(byte) (code >> 8), (byte) code});
  }

  private static Arguments refused(String name, int code, byte[]... frames) {
    return Arguments.of(name, code, joined(frames));
  }

  static List<Arguments> broken() {
    List<Arguments> all = new ArrayList<>();
    for (int reserved : new int[] {0x40, 0x20, 0x10, 0x70}) {
      all.add(refused("reserved bits " + reserved, 1002, frame(TEXT | reserved, "{}")));
      all.add(refused("reserved bits of a ping " + reserved, 1002, frame(PING | reserved, "")));
    }
    for (int opcode : new int[] {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) {
      all.add(refused("opcode " + opcode, 1002, frame(0x80 | opcode, "")));
      all.add(
          refused(
              "opcode in a message " + opcode,
              1002,
              frame(FIRST, "{"),
              frame(0x80 | opcode, ""),
              frame(LAST, "}")));
    }
    all.add(refused("no mask", 1002, hex("81 02 7b7d")));
    all.add(refused("a ping without mask", 1002, hex("89 00")));
    all.add(refused("a long ping", 1002, frame(PING, "x".repeat(126))));
    all.add(refused("a long close", 1002, frame(CLOSE, "x".repeat(126))));
    all.add(refused("a fragmented ping", 1002, frame(0x09, "x")));
    all.add(refused("a fragmented close", 1002, frame(0x08, "")));
    all.add(refused("a continuation of nothing", 1002, frame(LAST, "{}")));
    all.add(refused("a continuation of nothing, more to come", 1002, frame(MIDDLE, "{}")));
    all.add(refused("two beginnings", 1002, frame(FIRST, "{"), frame(TEXT, "}")));
    all.add(refused("a length of 2 bytes for 5", 1002, hex("81 fe 0005 37fa213d 7f9f4d5158")));
    all.add(refused("a length of 8 bytes for 5", 1002, hex("81 ff 0000000000000005 37fa213d")));
    all.add(refused("a length of 8 bytes for 65535", 1002, hex("81 ff 000000000000ffff")));
    all.add(refused("a negative length", 1002, hex("81 ff 8000000000000000 37fa213d")));
    all.add(refused("half a close code", 1002, frame(CLOSE, "x")));
    for (int code :
        new int[] {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535}) {
      all.add(refused("close code " + code, 1002, closing(code)));
    }
    all.add(
        refused("a close reason", 1007, frame(CLOSE, hex("03e8 ce ba e1 bd b9 cf 83 ed a0 80"))));
    for (String text :
        List.of(
            "ce ba e1 bd b9 cf 83 ce bc ce b5 ed a0 80 65 64", // a surrogate
            "f4 90 80 80", // beyond Unicode
            "fe",
            "ff",
            "c0 af",
            "e0 80 af",
            "f0 80 80 af",
            "f8 88 80 80 80", // too long forms
            "80",
            "7b c3",
            "e1 bd",
            "f0 9f 98")) { // halves
      all.add(refused("text " + text, 1007, frame(TEXT, hex(text))));
      all.add(refused("text in two " + text, 1007, frame(FIRST, "{"), frame(LAST, hex(text))));
    }
    all.add(refused("binary", 1003, frame(0x82, "{}")));
    all.add(refused("too big", 1009, hex("81 ff 0000010000000000 37fa213d")));
    all.add(refused("too big together", 1009, frame(FIRST, "{"), hex("80 ff 0000000000100000")));
    byte[][] many = new byte[1025][];
    for (int i = 0; i < many.length; i++) {
      many[i] = frame(i == 0 ? FIRST : MIDDLE, "");
    }
    all.add(refused("too many fragments", 1008, many));
    return all;
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("broken")
  void whatIsForbiddenEndsTheConnectionWithItsCode(String name, int code, byte[] bytes)
      throws Exception {
    try (Frames socket = open()) {
      socket.send(bytes);
      Frames.Frame close = socket.next();
      assertNotNull(close, name);
      assertEquals(8, close.opcode(), name);
      assertEquals(code, close.code(), close.text());
    }
  }

  @ParameterizedTest
  @ValueSource(
      ints = {
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000,
        4999
      })
  void aCloseIsAnsweredWithItsCode(int code) throws Exception {
    try (Frames socket = open()) {
      socket.send(closing(code));
      Frames.Frame close = socket.next();
      assertEquals(8, close.opcode());
      assertEquals(code, close.code());
      assertNull(socket.next(), "nothing follows a close");
    }
  }

  @Test
  void aCloseWithoutACodeIsAnsweredAndNothingAfterItIsRead() throws Exception {
    try (Frames socket = open()) {
      socket.send(joined(frame(CLOSE, ""), frame(PING, "late"), frame(TEXT, "{}")));
      assertEquals(1000, socket.next().code());
      assertNull(socket.next());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 124, 125})
  void aPingIsAnsweredWithItsPayload(int length) throws Exception {
    byte[] payload = new byte[length];
    for (int i = 0; i < length; i++) {
      payload[i] = (byte) (i * 7);
    }
    try (Frames socket = open()) {
      socket.send(joined(frame(PONG, "unasked"), frame(PING, payload)));
      Frames.Frame pong = socket.next();
      assertEquals(10, pong.opcode());
      assertArrayEquals(payload, pong.payload());
    }
  }

  @Test
  void aMessageMayComeInAnyFragmentsWithControlFramesBetween() throws Exception {
    byte[] text = "{\"type\":\"Tänze 🌷\",\"id\":\"1\"}".getBytes(StandardCharsets.UTF_8);
    try (Frames socket = open()) {
      for (int i = 0; i < text.length; i++) {
        int first = i == 0 ? FIRST : i == text.length - 1 ? LAST : MIDDLE;
        socket.send(frame(first, new byte[] {text[i]}));
        if (i == 5) {
          socket.send(joined(frame(MIDDLE, ""), frame(PING, "now")));
        }
      }
      assertEquals("now", socket.next().text());
      Frames.Frame error = socket.next();
      assertEquals(1, error.opcode());
      assertTrue(error.text().contains("\"pointer\":\"/type\""), error.text());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 125, 126, 127, 65535, 65536})
  void everyFormOfALengthIsRead(int length) throws Exception {
    byte[] payload = "x".repeat(length).getBytes(StandardCharsets.US_ASCII);
    byte[] bytes = frame(TEXT, payload);
    if (length > 65535) {
      byte[] head = hex("81 ff 0000000000010000");
      byte[] short16 = frame(TEXT, payload);
      // The same frame with its length in eight bytes.
      bytes = joined(head, Arrays.copyOfRange(short16, 4, short16.length));
    }
    try (Frames socket = open()) {
      socket.send(bytes);
      assertTrue(socket.next().text().contains("INVALID_REQUEST"));
    }
  }

  @Test
  void aConnectionThatEndsWithinAFrameLeavesNothingBehind() throws Exception {
    try (Frames socket = open()) {
      socket.send(hex("81 fe 4000 37fa213d 41"));
    }
    // The gateway's end checks that all memory was given back.
    try (Frames socket = open()) {
      socket.send(frame(PING, "here"));
      assertEquals("here", socket.next().text());
    }
  }

  @Test
  void onlyAHundredMessagesMayBeNoChat() throws Exception {
    try (Frames socket = open()) {
      for (int i = 0; i < 101; i++) {
        socket.send(frame(TEXT, "no"));
      }
      for (int i = 0; i < 100; i++) {
        assertEquals(1, socket.next().opcode());
      }
      assertEquals(1008, socket.next().code());
    }
  }
}
