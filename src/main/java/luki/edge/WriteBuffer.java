package luki.edge;

import java.io.IOException;
import java.io.OutputStream;
import java.util.Arrays;
import java.util.concurrent.ArrayBlockingQueue;
import org.jspecify.annotations.Nullable;

/** Collects a head and the start of its body for one write; has a buffer only while filled. */
final class WriteBuffer extends OutputStream {
  private final SocketOutput out;
  private final Pool pool;
  private byte @Nullable [] bytes;
  private int length;

  WriteBuffer(SocketOutput out, Pool pool) {
    this.out = out;
    this.pool = pool;
  }

  /** An array with room for that many bytes after {@link #length()}. */
  byte[] room(int needed) {
    byte[] current = bytes;
    if (current == null) {
      current = needed <= Pool.SIZE ? pool.take() : new byte[needed];
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
    if (bytes == null && count >= Pool.SIZE) {
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

  /** Write buffers, in use only while there is something to write. */
  static final class Pool {
    private static final int SIZE = 16 * 1024;
    private static final int KEPT = 256;

    private final ArrayBlockingQueue<byte[]> free = new ArrayBlockingQueue<>(KEPT);

    private byte[] take() {
      byte[] buffer = free.poll();
      return buffer == null ? new byte[SIZE] : buffer;
    }

    private void give(byte[] buffer) {
      if (buffer.length == SIZE) {
        // A full pool leaves it to the collector.
        boolean _ = free.offer(buffer);
      }
    }
  }
}
