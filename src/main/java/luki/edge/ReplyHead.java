package luki.edge;

import java.util.Map;
import luki.http1.Fields;
import luki.http1.Latin1;

/** Renders heads of replies (RFC 9112 §4). The phrases are those of RFC 9110 §15 and 6585. */
final class ReplyHead {
  static final byte[] NOTHING = {};
  static final byte[] CLOSE = Latin1.bytes("Connection: close\r\n");
  static final byte[] KEEP_ALIVE = Latin1.bytes("Connection: keep-alive\r\n");
  static final byte[] UPGRADE = Latin1.bytes("Connection: Upgrade\r\n");

  /** RFC 9110 §15.2.2: after its head the connection speaks another protocol. */
  static final int SWITCHING_PROTOCOLS = 101;

  /** Instead of a length in bytes: the body is chunked. */
  static final long CHUNKED = -1;

  /** Instead of a length in bytes: there is no body, or it ends with the connection. */
  static final long UNSTATED = -2;

  /** Status line, date, framing and connection, and room for a number. */
  private static final int OWN_BYTES = 256;

  private static final byte[] CODING = Latin1.bytes("Transfer-Encoding: chunked\r\n");
  private static final byte[] LENGTH = Latin1.bytes("Content-Length: ");
  private static final byte[] END = Latin1.bytes("\r\n");
  private static final Map<Integer, String> PHRASES =
      Map.ofEntries(
          Map.entry(SWITCHING_PROTOCOLS, "Switching Protocols"),
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

  private static final byte[][] STATUS_LINES = statusLines();

  private ReplyHead() {}

  private static byte[][] statusLines() {
    byte[][] lines = new byte[600][];
    for (int status = 100; status < lines.length; status++) {
      lines[status] =
          Latin1.bytes("HTTP/1.1 " + status + " " + PHRASES.getOrDefault(status, "") + "\r\n");
    }
    return lines;
  }

  /** Whether a handler may answer it: a status that ends HTTP's part of the exchange. */
  static boolean isFinal(int status) {
    return status == SWITCHING_PROTOCOLS || (status >= 200 && status < STATUS_LINES.length);
  }

  /**
   * Renders one.
   *
   * @param length of the body, {@link #CHUNKED} or {@link #UNSTATED}
   * @param connection the line that says whether the connection stays open, or nothing
   */
  static void render(
      WriteBuffer out, int status, DateLine date, Fields fields, long length, byte[] connection) {
    byte[] into = out.room(OWN_BYTES + fields.renderedLength());
    int at = Latin1.put(STATUS_LINES[status], into, out.length());
    at = fields.render(into, date.render(into, at));
    if (length >= 0) {
      at = Latin1.putDecimal(length, into, Latin1.put(LENGTH, into, at));
      at = Latin1.put(END, into, at);
    } else if (length == CHUNKED) {
      at = Latin1.put(CODING, into, at);
    }
    out.fillTo(Latin1.put(END, into, Latin1.put(connection, into, at)));
  }
}
