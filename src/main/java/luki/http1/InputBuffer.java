package luki.http1;

import java.io.IOException;
import java.io.InputStream;
import luki.http1.BadMessage.Reason;

/**
 * The only reader of a connection: one buffer, reused for each message. It grows while a long line
 * needs it and shrinks at {@link #rest()}. For one thread at a time.
 */
public final class InputBuffer {
  private final InputStream in;
  private final int usual;
  private byte[] buffer;
  private int position;
  private int end;

  /**
   * A source with nothing read yet.
   *
   * @param usual bytes of the buffer while nothing needs more
   */
  public InputBuffer(InputStream in, int usual) {
    this.in = in;
    this.usual = usual;
    this.buffer = new byte[usual];
  }

  /** Nothing is buffered; the stream may still have bytes. */
  public boolean isEmpty() {
    return position == end;
  }

  /**
   * Blocks until there is more.
   *
   * @return false at the end of the stream
   */
  public boolean fill() throws IOException {
    if (position == end) {
      position = 0;
      end = 0;
    } else if (end == buffer.length) {
      makeRoom();
    }
    int n = in.read(buffer, end, buffer.length - end);
    end += Math.max(0, n);
    return n >= 0;
  }

  private void makeRoom() {
    byte[] target = position > 0 ? buffer : new byte[2 * buffer.length];
    System.arraycopy(buffer, position, target, 0, end - position);
    end -= position;
    position = 0;
    buffer = target;
  }

  /** Called between messages: releases the memory that a long message needed. */
  public void rest() {
    if (position == end && buffer.length > usual) {
      buffer = new byte[usual];
      position = 0;
      end = 0;
    }
  }

  /** As {@link InputStream#read(byte[], int, int)}: what is buffered first, then the stream. */
  public int read(byte[] into, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    if (position == end) {
      if (length >= buffer.length) {
        return in.read(into, offset, length);
      }
      if (!fill()) {
        return -1;
      }
    }
    int n = Math.min(length, end - position);
    System.arraycopy(buffer, position, into, offset, n);
    position += n;
    return n;
  }

  /**
   * Waits for a whole line, which then begins at {@link #position()}.
   *
   * @return the position of its CRLF, or -1 when the stream ends before
   * @throws BadMessage a byte that is not allowed in a line, a bare CR or LF, or too many bytes
   */
  int line(int most, Reason tooLong, Reason bad) throws IOException {
    int scanned = 0;
    while (true) {
      byte[] bytes = buffer;
      int at = position + scanned;
      while (at < end && Grammar.isLineByte(bytes[at])) {
        at++;
      }
      scanned = at - position;
      if (scanned > most) {
        throw new BadMessage(tooLong);
      }
      if (at < end) {
        // RFC 9112 §2.2: a bare CR is invalid, and a bare LF need not be taken for a line's end.
        if (bytes[at] != '\r' || (at + 1 < end && bytes[at + 1] != '\n')) {
          throw new BadMessage(bad);
        }
        if (at + 1 < end) {
          return at;
        }
      }
      if (!fill()) {
        return -1;
      }
    }
  }

  byte[] bytes() {
    return buffer;
  }

  int position() {
    return position;
  }

  /** Continues after the line whose CRLF is at that position. */
  void endLine(int crlf) {
    position = crlf + 2;
  }
}
