package luki.edge;

import java.io.IOException;
import java.io.OutputStream;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Gathers a head and the beginning of its body for one write. Holds a buffer only while filled. */
final class WriteBuffer extends OutputStream {
  private final OutputStream out;
  private final BufferPool pool;
  private byte @Nullable [] bytes;
  private int length;

  WriteBuffer(OutputStream out, BufferPool pool) {
    this.out = out;
    this.pool = pool;
  }

  /** An array with room for so many bytes behind {@link #length()}. */
  byte[] room(int needed) {
    byte[] current = bytes;
    if (current == null) {
      current = needed <= BufferPool.SIZE ? pool.take() : new byte[needed];
    } else if (current.length - length < needed) {
      byte[] longer = Arrays.copyOf(current, length + needed);
      pool.give(current);
      current = longer;
    }
    bytes = current;
    return current;
  }

  int length() {
    return length;
  }

  /** The bytes before that place were filled in. */
  void fillTo(int end) {
    length = end;
  }

  @Override
  public void write(int octet) throws IOException {
    write(new byte[] {(byte) octet}, 0, 1);
  }

  @Override
  public void write(byte[] from, int offset, int count) throws IOException {
    if (bytes == null && count >= BufferPool.SIZE) {
      out.write(from, offset, count);
      return;
    }
    byte[] current = room(0);
    int fitting = Math.min(count, current.length - length);
    System.arraycopy(from, offset, current, length, fitting);
    length += fitting;
    if (fitting < count) {
      flush();
      write(from, offset + fitting, count - fitting);
    }
  }

  @Override
  public void flush() throws IOException {
    byte[] current = bytes;
    if (current != null) {
      int count = length;
      bytes = null;
      length = 0;
      try {
        out.write(current, 0, count);
      } finally {
        pool.give(current);
      }
    }
  }

  /**
   * Forgets what was not written. The buffer does not go back: a handler that was given up may have
   * left it to a thread that still writes, and the next borrower is another client's reply.
   */
  void drop() {
    bytes = null;
    length = 0;
  }
}
