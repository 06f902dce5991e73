package luki.http1;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;

/** Requests of every kind, from good ones to those that are made to be read in two ways. */
final class Messages {
  private static final List<String> METHODS =
      List.of("GET", "POST", "PUT", "HEAD", "OPTIONS", "BREW", "get", "G ET", "", "GET\t", "(GET)");
  private static final List<String> TARGETS =
      List.of("/", "/a?b=c", "/%41", "//a", "*", "http://h/", "/a b", "/\u00e9", "", "a", "/%zz");
  private static final List<String> VERSIONS =
      List.of(
          "HTTP/1.1", "HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "HTTP/11", "http/1.1", "HTTP/1.1 ", "");
  private static final List<String> ENDS = List.of("\n", "\r", "\r\r\n", "\n\r\n", "", " \r\n");
  private static final List<String> LINES =
      List.of(
          "Host: h",
          "Host: h",
          "host:h",
          "Host: a b",
          "Host:",
          "Content-Length: 3",
          "Content-Length: 3, 3",
          "Content-Length: +3",
          "Content-Length: 0x3",
          "Content-Length: 3 ",
          "Content-Length: 03",
          "Content-Length: -1",
          "Content-Length: 99999999999999999999",
          "Transfer-Encoding: chunked",
          "Transfer-Encoding: Chunked",
          "Transfer-Encoding: chunked, chunked",
          "Transfer-Encoding: gzip, chunked",
          "Transfer-Encoding: identity",
          "Transfer-Encoding: xchunked",
          "Transfer-Encoding:\u000bchunked",
          "Transfer-Encoding : chunked",
          "Connection: close",
          "Connection: Transfer-Encoding",
          "Expect: 100-continue",
          "X: y",
          "X: \u0000",
          "X: a\u0001b",
          "X: \u00e9",
          "X",
          ": y",
          "X Y: z",
          " folded",
          "\tfolded",
          "X: y\u007f");
  private static final List<String> BODIES =
      List.of(
          "",
          "abc",
          "abcd",
          "0\r\n\r\n",
          "3\r\nabc\r\n0\r\n\r\n",
          "3;a=b\r\nabc\r\n0\r\nT: u\r\n\r\n",
          "3\nabc\r\n0\r\n\r\n",
          "3 \r\nabc\r\n0\r\n\r\n",
          "+3\r\nabc\r\n0\r\n\r\n",
          "0x3\r\nabc\r\n0\r\n\r\n",
          "\r\nabc\r\n0\r\n\r\n",
          "100000003\r\nabc\r\n0\r\n\r\n",
          "00000000000000003\r\nabc\r\n0\r\n\r\n",
          "3\r\nabcX0\r\n\r\n",
          "3\r\nabc\r\n0\r\nContent-Length: 5\r\n\r\n",
          "3;\u0000\r\nabc\r\n0\r\n\r\n");

  private final Random random;

  Messages(long seed) {
    this.random = new Random(seed);
  }

  /** One to three requests on a connection, perhaps with a few bytes changed. */
  byte[] next() {
    StringBuilder text = new StringBuilder();
    for (int n = random.nextInt(3); n >= 0; n--) {
      request(text);
    }
    byte[] bytes = text.toString().getBytes(StandardCharsets.ISO_8859_1);
    if (bytes.length > 0 && random.nextInt(3) == 0) {
      for (int n = random.nextInt(3); n >= 0; n--) {
        bytes[random.nextInt(bytes.length)] = odd();
      }
    }
    return bytes;
  }

  private byte odd() {
    String favourites = "\r\n \t:;,0\u0000\u000b\u0080\u00ff/%AaZ{\"";
    return random.nextBoolean()
        ? (byte) favourites.charAt(random.nextInt(favourites.length()))
        : (byte) random.nextInt(256);
  }

  private <T> T usually(List<T> all, int usual) {
    return all.get(random.nextInt(random.nextInt(4) == 0 ? all.size() : usual));
  }

  private void request(StringBuilder text) {
    text.append(usually(METHODS, 3)).append(' ').append(usually(TARGETS, 3)).append(' ');
    text.append(usually(VERSIONS, 2)).append(end());
    boolean plain = random.nextInt(3) > 0;
    if (plain) {
      text.append("Host: h").append(end());
    }
    int lines = random.nextInt(4);
    for (int i = 0; i < lines; i++) {
      text.append(LINES.get(random.nextInt(LINES.size()))).append(end());
    }
    text.append(end()).append(BODIES.get(random.nextInt(BODIES.size())));
  }

  private String end() {
    return random.nextInt(40) == 0 ? ENDS.get(random.nextInt(ENDS.size())) : "\r\n";
  }
}
