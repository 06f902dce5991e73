package luki.edge;

import java.nio.charset.StandardCharsets;
import luki.http1.Fields;
import luki.http1.Grammar;
import luki.http1.Latin1;

/** Renders heads of replies. */
final class ReplyHead {
  /** Status line, date, framing and connection, and room for a number. */
  private static final int OWN_BYTES = 256;

  private static final byte[] CLOSE = bytes("Connection: close\r\n");
  private static final byte[] KEEP_ALIVE = bytes("Connection: keep-alive\r\n");
  private static final byte[] CHUNKED = bytes("Transfer-Encoding: chunked\r\n");
  private static final byte[] LENGTH = bytes("Content-Length: ");

  /** How the head states whether the connection stays open. */
  enum Persistence {
    /** The default of the HTTP version: no field is sent. */
    USUAL,
    /** Sent to HTTP/1.0 clients. */
    KEPT,
    CLOSED
  }

  /** How the head states the body's length. */
  sealed interface Framing {
    record Length(long bytes) implements Framing {}

    record Chunked() implements Framing {}

    /** Not at all: there is no body, or it ends with the connection. */
    record Unsaid() implements Framing {}
  }

  private ReplyHead() {}

  static void render(
      WriteBuffer out,
      int status,
      DateLine date,
      Fields fields,
      Framing framing,
      Persistence persistence) {
    byte[] into = out.room(OWN_BYTES + fields.renderedLength());
    int at = StatusLines.render(status, into, out.length());
    at = date.render(into, at);
    at = lines(fields, into, at);
    at =
        switch (framing) {
          case Framing.Length length -> {
            int next = Latin1.putDecimal(length.bytes(), into, put(LENGTH, into, at));
            yield endLine(into, next);
          }
          case Framing.Chunked _ -> put(CHUNKED, into, at);
          case Framing.Unsaid _ -> at;
        };
    at =
        switch (persistence) {
          case USUAL -> at;
          case KEPT -> put(KEEP_ALIVE, into, at);
          case CLOSED -> put(CLOSE, into, at);
        };
    out.fillTo(endLine(into, at));
  }

  private static int lines(Fields fields, byte[] into, int start) {
    int at = start;
    for (int i = 0; i < fields.size(); i++) {
      String name = fields.name(i);
      if (!Grammar.isFramingField(name)) {
        at = Latin1.put(name, into, at);
        into[at++] = ':';
        into[at++] = ' ';
        at = endLine(into, Latin1.put(fields.value(i), into, at));
      }
    }
    return at;
  }

  private static int put(byte[] text, byte[] into, int at) {
    System.arraycopy(text, 0, into, at, text.length);
    return at + text.length;
  }

  private static int endLine(byte[] into, int at) {
    into[at] = '\r';
    into[at + 1] = '\n';
    return at + 2;
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
