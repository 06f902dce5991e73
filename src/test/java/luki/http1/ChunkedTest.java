package luki.http1;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The chunked coding of RFC 9112 §7.1, both ways. */
class ChunkedTest {
  private static String read(String coded) throws IOException {
    ChunkedInput body = new ChunkedInput(Sources.of(coded), HeadLimits.USUAL);
    return new String(body.readAllBytes(), StandardCharsets.ISO_8859_1);
  }

  @Test
  void whatIsWrittenIsReadWhateverThePieces() throws IOException {
    Random random = new Random(7);
    for (int round = 0; round < 500; round++) {
      byte[] body = new byte[random.nextInt(5000)];
      random.nextBytes(body);
      ByteArrayOutputStream wire = new ByteArrayOutputStream();
      try (ChunkedOutput out = new ChunkedOutput(wire)) {
        for (int at = 0; at < body.length; ) {
          int n = Math.min(body.length - at, random.nextInt(700));
          out.write(body, at, n);
          at += n;
        }
      }
      wire.write('!');
      InputBuffer source = Sources.inPieces(wire.toByteArray(), 1 + random.nextInt(900), random);
      ChunkedInput in = new ChunkedInput(source, HeadLimits.USUAL);
      assertArrayEquals(body, in.readAllBytes());
      assertTrue(in.isEnded());
      assertEquals('!', new BodyInput.Fixed(source, 1).read());
    }
  }

  @Test
  void extensionsAndTrailersAreSkippedByTheirGrammar() throws IOException {
    assertEquals("abc", read("3;a\r\nabc\r\n0\r\n\r\n"));
    assertEquals("abc", read("3;a=b;c=\"d\\\" ;\"\r\nabc\r\n0;z\r\nX-T: 1\r\nX-U: 2\r\n\r\n"));
    assertEquals("abc", read("00000003 ; a = b\r\nabc\r\n0\r\n\r\n"));
    String[] wrong = {
      "3;\r\n", "3;=b\r\n", "3;a=\r\n", "3;a=\"b\r\n", "3;a b\r\n", "3 \r\n", "3;a=\"b\"c\r\n"
    };
    for (String size : wrong) {
      assertThrows(BadMessage.class, () -> read(size + "abc\r\n0\r\n\r\n"), size);
    }
    assertThrows(BadMessage.class, () -> read("3\r\nabc\r\n0\r\nX T: 1\r\n\r\n"));
  }

  @Test
  void sizesHaveOneToEightDigits() throws IOException {
    assertEquals("abc", read("00000003\r\nabc\r\n00000000\r\n\r\n"));
    String[] wrong = {"", "000000003", "100000000", "+3", "-3", "0x3", " 3", "3g", "3_0", "\u00b3"};
    for (String size : wrong) {
      assertThrows(BadMessage.class, () -> read(size + "\r\nabc\r\n0\r\n\r\n"), size);
    }
  }

  @Test
  void onlyCrlfEndsALine() {
    String[] wrong = {
      "3\nabc\r\n0\r\n\r\n",
      "3\r\nabc\n0\r\n\r\n",
      "3\r\nabc\r0\r\n\r\n",
      "3\r\r\nabc\r\n0\r\n\r\n",
      "3\r\nabcd\r\n0\r\n\r\n",
      "3\r\nabc\r\n0\r\n\n",
      "3\r\nab\r\n0\r\n\r\n"
    };
    for (String coded : wrong) {
      assertThrows(BadMessage.class, () -> read(coded), coded);
    }
  }

  @Test
  void anEndInTheMiddleIsNeverAnEnd() {
    String whole = "3\r\nabc\r\n4\r\ndefg\r\n0\r\nX-T: 1\r\n\r\n";
    for (int length = 0; length < whole.length(); length++) {
      String cut = whole.substring(0, length);
      ChunkedInput body = new ChunkedInput(Sources.of(cut), HeadLimits.USUAL);
      assertThrows(EOFException.class, body::readAllBytes, cut);
      assertThrows(IOException.class, body::read, "and it stays so: " + cut);
      assertFalse(body.isEnded());
    }
  }

  @Test
  void extensionsAndTrailersAreBounded() {
    String oneByte = "1;" + "x".repeat(1000) + "\r\na\r\n";
    assertThrows(BadMessage.class, () -> read(oneByte.repeat(10) + "0\r\n\r\n"));
    assertThrows(BadMessage.class, () -> read("1;" + "x".repeat(2000) + "\r\na\r\n0\r\n\r\n"));
    assertThrows(BadMessage.class, () -> read("0\r\n" + "X: y\r\n".repeat(101) + "\r\n"));
  }

  @Test
  void aFixedBodyThatEndsEarlyIsAFailure() throws IOException {
    BodyInput.Fixed body = new BodyInput.Fixed(Sources.of("abc"), 4);
    assertEquals(3, body.read(new byte[10]));
    assertThrows(EOFException.class, body::read);
    assertThrows(EOFException.class, body::read);
    assertFalse(body.isEnded());
    assertEquals(-1, new BodyInput.Fixed(Sources.of("abc"), 0).read());
  }
}
