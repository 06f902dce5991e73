package luki.http1;

import java.io.EOFException;
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
  private final ByteBudget.Lease room;
  private byte[] buffer;
  private int position;
  private int end;

  /**
   * A source with nothing read yet.
   *
   * @param usual bytes of the buffer while nothing needs more
   * @param room for what a message needs beyond that
   */
  public InputBuffer(InputStream in, int usual, ByteBudget.Lease room) {
    this.in = in;
    this.usual = usual;
    this.room = room;
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

  private void makeRoom() throws BadMessage {
    byte[] target = buffer;
    if (position == 0) {
      hold(2L * buffer.length);
      target = new byte[2 * buffer.length];
    }
    System.arraycopy(buffer, position, target, 0, end - position);
    end -= position;
    position = 0;
    buffer = target;
  }

  /** Takes room for that many bytes until {@link #rest()}. */
  void hold(long bytes) throws BadMessage {
    if (!room.tryTake(bytes)) {
      throw new BadMessage(Reason.OVERLOADED);
    }
  }

  /** Bytes of the buffer while nothing needs more. */
  int usual() {
    return usual;
  }

  /**
   * Called between messages: releases the memory that a long message needed.
   *
   * @return false when there is no room for what is buffered of the next one
   */
  public boolean rest() {
    room.clear();
    if (buffer.length > usual) {
      if (end - position > usual) {
        return room.tryTake(buffer.length);
      }
      byte[] small = new byte[usual];
      System.arraycopy(buffer, position, small, 0, end - position);
      buffer = small;
      end -= position;
      position = 0;
    }
    return true;
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
   * @return the position of its CRLF
   * @throws BadMessage a byte that is not allowed in a line, a bare CR or LF, or too many bytes
   * @throws EOFException the stream ends before
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
        throw new EOFException("closed within a line");
      }
    }
  }

  byte[] bytes() {
    return buffer;
  }

  int position() {
    return position;
  }

  /** Where what is buffered ends. */
  int end() {
    return end;
  }

  /** Continues after the line whose CRLF is at that position. */
  void endLine(int crlf) {
    position = crlf + 2;
  }
}
