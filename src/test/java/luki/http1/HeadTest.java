package luki.http1;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import luki.http1.BadMessage.Reason;
import luki.http1.RequestParser.RequestHead;
import luki.http1.ResponseParser.ResponseHead;
import org.junit.jupiter.api.Test;

/** Heads of both kinds, and what they say of the body. */
class HeadTest {
  private static RequestHead request(String head) throws IOException {
    return new RequestParser(Sources.of(head), HeadLimits.USUAL).next();
  }

  private static Reason refused(String head) {
    return assertThrows(BadMessage.class, () -> request(head), head).reason();
  }

  private static ResponseHead response(String head) throws IOException {
    return new ResponseParser(Sources.of(head), HeadLimits.USUAL).next();
  }

  private static final String LINE = "GET / HTTP/1.1\r\nHost: h\r\n";

  @Test
  void aHeadIsTakenApartWhateverThePieces() throws IOException {
    String head =
        "POST /a?b=%20 HTTP/1.1\r\nhost: h:80\r\nX-A:\t b c \t\r\nX-E:\r\nx-a: \u00e9\r\n"
            + "Content-Length: 12\r\n\r\n";
    Random random = new Random(3);
    for (int i = 0; i < 100; i++) {
      InputBuffer source = Sources.inPieces(Sources.bytes(head + head), 1 + i, random);
      RequestParser parser = new RequestParser(source, HeadLimits.USUAL);
      for (int n = 0; n < 2; n++) {
        RequestHead parsed = parser.next();
        assertEquals("POST", parsed.method());
        assertEquals("/a?b=%20", parsed.target());
        assertTrue(parsed.http11());
        assertEquals(List.of("b c", "\u00e9"), parsed.fields().all("x-A"));
        assertEquals("", parsed.fields().first("x-e"));
        assertEquals(new BodyFraming.Fixed(12), parsed.body());
        assertEquals(5, parsed.fields().size());
      }
      assertNull(parser.next());
    }
  }

  @Test
  void anEndWithinAHeadIsNotItsEnd() {
    String head = LINE + "X: y\r\n\r\n";
    for (int length = 1; length < head.length(); length++) {
      String cut = head.substring(0, length);
      assertThrows(EOFException.class, () -> request(cut), cut);
    }
  }

  @Test
  void commonNamesAreTheSameObjects() throws IOException {
    assertSame(request(LINE + "\r\n").fields().name(0), request(LINE + "\r\n").fields().name(0));
  }

  @Test
  void aHostIsANameOrAnAddress() {
    for (String good :
        List.of("a", "a.b:8081", "127.0.0.1", "[::1]:80", "[fe80::1]", "a_b", "a:", "[::1]:")) {
      assertTrue(Grammar.isHost(good), good);
    }
    for (String bad :
        List.of(
            "",
            "a b",
            "u@a",
            "a/b",
            "a:b",
            "a::",
            "a:1:",
            ":",
            ":80",
            "[",
            "[]",
            "[::1",
            "[::1]x",
            "[::1]xx",
            "[::1]::",
            "a:123456",
            "a,b",
            "[g]",
            "\u00e9")) {
      assertFalse(Grammar.isHost(bad), bad);
    }
  }

  @Test
  void targetsHaveTheirForm() throws IOException {
    assertEquals("*", request("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").target());
    assertEquals("/?x", request("GET HTTPS://H?x HTTP/1.1\r\nHost: h\r\n\r\n").target());
    assertEquals("//a", request("GET //a HTTP/1.1\r\nHost: h\r\n\r\n").target());
    for (String target :
        List.of("a", "/%2", "/%zz", "/a#b", "/a|b", "/\"", "/a[b", "http:/a", "ftp://h/")) {
      assertEquals(
          Reason.TARGET, refused("GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n"), target);
    }
    assertEquals(Reason.METHOD, refused("CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n"));
  }

  @Test
  void anAbsoluteTargetNamesTheSameHostWithAPortOrWithout() throws IOException {
    String request = "GET http://%s/a HTTP/1.1\r\nHost: %s\r\n\r\n";
    List<String> same = List.of("h", "H", "h:", "h:8081", "H:8081");
    for (String target : same) {
      for (String host : same) {
        assertEquals("/a", request(request.formatted(target, host)).target(), target + " " + host);
      }
    }
    assertEquals("/a", request(request.formatted("[::A]:80", "[::a]")).target());
    assertEquals("/a", request("GET http://h:1/a HTTP/1.0\r\n\r\n").target());
    for (String other :
        List.of("other", "hh", "h.h", "h:80", "h:808", "h:80811", "u@h", "h,h", "", ":8081")) {
      assertEquals(Reason.HOST, refused(request.formatted(other, "h:8081")), other);
      assertEquals(Reason.HOST, refused(request.formatted("h:8081", other)), other);
    }
    assertEquals(Reason.HOST, refused(request.formatted("[::1]", "[::2]")));
    assertEquals(Reason.HOST, refused(request.formatted("[::1]:1", "[::1]:2")));
  }

  @Test
  void reasonsAreToldApart() {
    assertEquals(Reason.VERSION, refused("GET / HTTP/2.0\r\nHost: h\r\n\r\n"));
    assertEquals(Reason.REQUEST_LINE, refused("GET / HTTP/1.10\r\nHost: h\r\n\r\n"));
    assertEquals(Reason.REQUEST_LINE, refused("GET  / HTTP/1.1\r\nHost: h\r\n\r\n"));
    assertEquals(Reason.FIELD, refused(LINE + "X : y\r\n\r\n"));
    assertEquals(Reason.FIELD, refused(LINE + " folded\r\n\r\n"));
    assertEquals(Reason.FIELD, refused(LINE + "X: a\u0000\r\n\r\n"));
    assertEquals(Reason.EXPECTATION, refused(LINE + "Expect: tea\r\n\r\n"));
    assertEquals(Reason.CODING, refused(LINE + "Transfer-Encoding: gzip, chunked\r\n\r\n"));
    assertEquals(
        Reason.FRAMING, refused(LINE + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n"));
    assertEquals(Reason.FRAMING, refused(LINE + "Content-Length: 1000000000000000\r\n\r\n"));
    assertEquals(Reason.TARGET_TOO_LONG, refused("GET /" + "x".repeat(8200) + " HTTP/1.1\r\n\r\n"));
    assertEquals(Reason.FIELDS_TOO_LARGE, refused(LINE + "X: " + "y".repeat(16400) + "\r\n\r\n"));
    assertEquals(Reason.FIELDS_TOO_LARGE, refused(LINE + "X: y\r\n".repeat(100) + "\r\n"));
  }

  private static boolean keepsAlive(String head) throws IOException {
    ResponseHead response = response(head);
    return response.fields().keepAlive(response.http11());
  }

  @Test
  void aResponseSaysWhetherTheConnectionGoesOn() throws IOException {
    assertTrue(keepsAlive("HTTP/1.1 200 OK\r\n\r\n"));
    assertFalse(keepsAlive("HTTP/1.1 200\r\nConnection: x, Close\r\n\r\n"));
    assertFalse(keepsAlive("HTTP/1.0 200 \r\n\r\n"));
    for (String line :
        List.of(
            "HTTP/1.1 999 X",
            "HTTP/1.1 99 X",
            "HTTP/2.0 200 OK",
            "HTTP/1.1 2000",
            "hello",
            "HTTP/1.1  200 OK",
            "HTTP/1.1 20x",
            "PRI * HTTP/2.0",
            "\u0001")) {
      assertThrows(BadMessage.class, () -> response(line + "\r\n\r\n"), line);
    }
  }

  @Test
  void whereAResponseEndsFollowsFromTheRequestAndTheHead() throws BadMessage {
    Fields three = Fields.of("Content-Length", "3");
    Fields chunked = Fields.of("Transfer-Encoding", "Chunked");
    assertEquals(new BodyFraming.Fixed(3), BodyFraming.ofResponse("GET", 200, true, three));
    assertEquals(BodyFraming.CHUNKED, BodyFraming.ofResponse("GET", 200, true, chunked));
    assertEquals(BodyFraming.UNTIL_CLOSE, BodyFraming.ofResponse("GET", 200, true, Fields.NONE));
    assertEquals(BodyFraming.NONE, BodyFraming.ofResponse("HEAD", 200, true, three));
    assertEquals(BodyFraming.NONE, BodyFraming.ofResponse("GET", 304, true, three));
    assertEquals(BodyFraming.NONE, BodyFraming.ofResponse("GET", 204, true, Fields.NONE));
    assertThrows(BadMessage.class, () -> BodyFraming.ofResponse("GET", 204, true, chunked));
    assertThrows(BadMessage.class, () -> BodyFraming.ofResponse("GET", 200, false, chunked));
    Fields twice = Fields.of("Content-Length", "3", "content-length", "3");
    assertThrows(BadMessage.class, () -> BodyFraming.ofResponse("GET", 200, true, twice));
  }

  @Test
  void fieldsThatMightSplitAMessageAreNotMade() {
    for (String value : List.of("a\r\nb", "a\nb", "a\u0000", " a", "a ", "\u20ac", "\u007f")) {
      assertThrows(IllegalArgumentException.class, () -> Fields.of("X", value), value);
    }
    for (String name : List.of("", "a b", "a:", "\u00e9", "a\r")) {
      assertThrows(IllegalArgumentException.class, () -> Fields.of(name, "x"), name);
    }
  }

  @Test
  void fieldsAreRenderedAsTheyStand() {
    Fields fields = Fields.of("A", "1", "b", "", "A", "\u00e9");
    byte[] bytes = new byte[fields.renderedLength()];
    assertEquals(bytes.length, fields.render(bytes, 0));
    assertEquals("A: 1\r\nb: \r\nA: \u00e9\r\n", new String(bytes, StandardCharsets.ISO_8859_1));
    assertEquals("Fields[A, b, A]", fields.toString());
    assertTrue(Fields.of("Connection", "a, UPGRADE").hasToken("connection", "upgrade"));
    assertFalse(Fields.of("Connection", "upgraded").hasToken("connection", "upgrade"));
  }

  @Test
  void numbersAreWrittenInDigits() {
    byte[] bytes = new byte[40];
    for (long number : new long[] {0, 9, 10, 99, 100, 12345, 999_999_999_999_999L}) {
      int end = Latin1.putDecimal(number, bytes, 0);
      assertEquals(Long.toString(number), new String(bytes, 0, end, StandardCharsets.US_ASCII));
    }
    for (int number : new int[] {0, 1, 15, 16, 255, 256, 65535, 65536, Integer.MAX_VALUE}) {
      int end = Latin1.putHex(number, bytes, 0);
      assertEquals(
          Integer.toHexString(number), new String(bytes, 0, end, StandardCharsets.US_ASCII));
    }
  }

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
