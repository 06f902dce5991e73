package luki.edge;

import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Status lines as bytes (RFC 9112 §4); the phrases are those of RFC 9110 §15 and 6585. */
final class StatusLines {
  private static final Map<Integer, String> PHRASES =
      Map.ofEntries(
          Map.entry(200, "OK"),
          Map.entry(201, "Created"),
          Map.entry(202, "Accepted"),
          Map.entry(204, "No Content"),
          Map.entry(304, "Not Modified"),
          Map.entry(400, "Bad Request"),
          Map.entry(401, "Unauthorized"),
          Map.entry(403, "Forbidden"),
          Map.entry(404, "Not Found"),
          Map.entry(405, "Method Not Allowed"),
          Map.entry(406, "Not Acceptable"),
          Map.entry(408, "Request Timeout"),
          Map.entry(409, "Conflict"),
          Map.entry(410, "Gone"),
          Map.entry(413, "Content Too Large"),
          Map.entry(414, "URI Too Long"),
          Map.entry(415, "Unsupported Media Type"),
          Map.entry(417, "Expectation Failed"),
          Map.entry(422, "Unprocessable Content"),
          Map.entry(429, "Too Many Requests"),
          Map.entry(431, "Request Header Fields Too Large"),
          Map.entry(500, "Internal Server Error"),
          Map.entry(501, "Not Implemented"),
          Map.entry(502, "Bad Gateway"),
          Map.entry(503, "Service Unavailable"),
          Map.entry(504, "Gateway Timeout"),
          Map.entry(505, "HTTP Version Not Supported"));

  private static final byte[][] LINES = lines();

  private StatusLines() {}

  private static byte[][] lines() {
    byte[][] lines = new byte[600][];
    for (int status = 200; status < lines.length; status++) {
      String line = "HTTP/1.1 " + status + " " + PHRASES.getOrDefault(status, "") + "\r\n";
      lines[status] = line.getBytes(StandardCharsets.US_ASCII);
    }
    return lines;
  }

  /** Whether a handler may answer it: a final status. */
  static boolean isFinal(int status) {
    return status >= 200 && status < LINES.length;
  }

  /** Writes the line of a final status; returns where it goes on. */
  static int render(int status, byte[] into, int at) {
    byte[] line = LINES[status];
    System.arraycopy(line, 0, into, at, line.length);
    return at + line.length;
  }
}
