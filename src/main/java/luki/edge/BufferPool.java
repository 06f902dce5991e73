package luki.edge;

import java.util.concurrent.ArrayBlockingQueue;

/** Write buffers, lent only while there is something to write. */
final class BufferPool {
  static final int SIZE = 16 * 1024;
  private static final int KEPT = 256;

  private final ArrayBlockingQueue<byte[]> free = new ArrayBlockingQueue<>(KEPT);

  byte[] take() {
    byte[] buffer = free.poll();
    return buffer == null ? new byte[SIZE] : buffer;
  }

  void give(byte[] buffer) {
    if (buffer.length == SIZE) {
      // A full pool leaves it to the collector.
      boolean _ = free.offer(buffer);
    }
  }
}
