package luki.http1;

import java.io.EOFException;
import java.io.IOException;
import luki.http1.BadMessage.Reason;
import org.jspecify.annotations.Nullable;

/** Response heads of one connection, one after another, interim ones (1xx) too. */
public record ResponseParser(InputBuffer source, HeadLimits limits) {
  private static final int STATUS_AT = "HTTP/1.1 ".length();

  /**
   * Blocks for the next head.
   *
   * @return null when the stream ends before its first byte
   * @throws BadMessage it is refused
   * @throws EOFException the stream ends within it
   */
  public @Nullable ResponseHead next() throws IOException {
    if (source.isEmpty() && !source.fill()) {
      return null;
    }
    int end = source.line(limits.lineBytes(), Reason.STATUS_LINE, Reason.STATUS_LINE);
    int start = source.position();
    byte[] bytes = source.bytes();
    if (end - start < STATUS_AT + 3) {
      throw new BadMessage(Reason.STATUS_LINE);
    }
    boolean http11 = FieldNames.isAt("HTTP/1.1 ", bytes, start, start + STATUS_AT);
    if (!http11 && !FieldNames.isAt("HTTP/1.0 ", bytes, start, start + STATUS_AT)) {
      throw new BadMessage(Reason.STATUS_LINE);
    }
    int status = status(bytes, start + STATUS_AT, end);
    source.endLine(end);
    return new ResponseHead(status, http11, FieldParser.parse(source, limits));
  }

  /** RFC 9112 §4: three digits, then a space and a reason; some leave the space out with it. */
  private static int status(byte[] bytes, int at, int end) throws BadMessage {
    int status = 0;
    for (int i = at; i < at + 3; i++) {
      if (bytes[i] < '0' || bytes[i] > '9') {
        throw new BadMessage(Reason.STATUS_LINE);
      }
      status = 10 * status + bytes[i] - '0';
    }
    boolean ends = at + 3 == end || bytes[at + 3] == ' ';
    // RFC 9110 §15: the classes are 1 to 5.
    if (!ends || status < 100 || status > 599) {
      throw new BadMessage(Reason.STATUS_LINE);
    }
    return status;
  }

  /**
   * The head of a response.
   *
   * @param status 100–599
   * @param http11 false: HTTP/1.0
   */
  public record ResponseHead(int status, boolean http11, Fields fields) {}
}
