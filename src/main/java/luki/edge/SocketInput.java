package luki.edge;

import java.io.IOException;
import java.io.InputStream;
import luki.edge.EdgeServer.ServerContext;
import luki.http1.BadMessage;
import luki.http1.BadMessage.Reason;
import luki.http1.BlockInput;
import luki.http1.IoDeadline;

/**
 * Reads from the socket without a timeout of its own; a read that waits too long ends with the end
 * of the stream, because the sweeper shuts the input down.
 */
final class SocketInput extends BlockInput {
  private final InputStream in;
  private final ServerContext shared;
  private final IoDeadline deadline;
  private boolean pacing;
  private long waited;
  private long arrived;
  private long endBy;
  private volatile boolean failed;

  SocketInput(InputStream in, ServerContext shared, IoDeadline deadline) {
    this.in = in;
    this.shared = shared;
    this.deadline = deadline;
  }

  /** From now on a body is read, which has to come at a minimum rate. */
  void beginBody() {
    pacing = true;
    waited = 0;
    arrived = 0;
    endBy = IoDeadline.NONE;
  }

  /** The body must have arrived by then, at whatever rate. */
  void endBy(long nanos) {
    endBy = nanos;
  }

  void endBody() {
    pacing = false;
  }

  /** The stream ended or broke. */
  boolean hasFailed() {
    return failed;
  }

  @Override
  public int read(byte[] into, int offset, int length) throws IOException {
    int n;
    try {
      n = pacing ? paced(into, offset, length) : in.read(into, offset, length);
    } catch (IOException broken) {
      failed = true;
      throw broken;
    }
    if (n < 0) {
      failed = true;
      if (deadline.hasExpired()) {
        throw new BadMessage(Reason.TIMEOUT);
      }
    }
    return n;
  }

  /** Only the time spent waiting for the client counts, never the handler's own. */
  private int paced(byte[] into, int offset, int length) throws IOException {
    if (arrived >= shared.limits().bodyBytes()) {
      arrived = 0;
      waited = 0;
    }
    long start = shared.now();
    long slowest = start + shared.limits().bodyTime().toNanos() - waited;
    if (!deadline.set(endBy != IoDeadline.NONE && endBy - slowest < 0 ? endBy : slowest)) {
      throw new BadMessage(Reason.TIMEOUT);
    }
    int n = in.read(into, offset, length);
    waited += shared.now() - start;
    arrived += Math.max(0, n);
    if (!deadline.clear()) {
      throw new BadMessage(Reason.TIMEOUT);
    }
    return n;
  }
}
