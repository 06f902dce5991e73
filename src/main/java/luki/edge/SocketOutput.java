package luki.edge;

import java.io.IOException;
import java.io.OutputStream;
import luki.edge.EdgeServer.ServerContext;
import luki.http1.IoDeadline;

/** Writes to the socket, piece by piece under the write limit; the sweeper closes a stalled one. */
final class SocketOutput {
  private static final int PIECE = 32 * 1024;

  private final OutputStream out;
  private final ServerContext shared;
  private final IoDeadline deadline;
  private volatile boolean failed;

  SocketOutput(OutputStream out, ServerContext shared, IoDeadline deadline) {
    this.out = out;
    this.shared = shared;
    this.deadline = deadline;
  }

  boolean hasFailed() {
    return failed;
  }

  void write(byte[] bytes, int offset, int length) throws IOException {
    boolean done = false;
    try {
      for (int at = offset; at < offset + length; at += PIECE) {
        boolean inTime = deadline.set(shared.now() + shared.limits().write().toNanos());
        out.write(bytes, at, Math.min(PIECE, offset + length - at));
        if (!(inTime && deadline.clear())) {
          throw new IOException("the client took too long to read");
        }
      }
      done = true;
    } finally {
      failed |= !done;
    }
  }
}
