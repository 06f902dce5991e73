package luki.edge;

import java.io.IOException;
import luki.http1.BadMessage;
import luki.http1.BlockInput;
import luki.http1.BodyInput;
import org.jspecify.annotations.Nullable;

/** A request's body as the handler reads it: the first read asks an expecting client for it. */
final class RequestBody extends BlockInput {
  private final Connection connection;
  private BodyInput in;
  private boolean awaited;
  private @Nullable BadMessage failure;

  RequestBody(Connection connection, BodyInput in, boolean awaited) {
    this.connection = connection;
    this.in = in;
    this.awaited = awaited;
  }

  /** What the client sends from now on is of another protocol, until it ends its sending. */
  void continueUntilClose() {
    in = connection.untilClose();
  }

  /** The client waits for a 100 that was not sent: whether the body will come is open. */
  boolean isAwaited() {
    return awaited;
  }

  /** Why the body was refused while it was read, or null. */
  @Nullable BadMessage failure() {
    return failure;
  }

  boolean isEnded() {
    return in.isEnded();
  }

  @Override
  public long remaining() {
    return in.remaining();
  }

  @Override
  public int read(byte[] into, int offset, int length) throws IOException {
    if (in.isEnded()) {
      return length == 0 ? 0 : -1;
    }
    if (awaited) {
      awaited = false;
      connection.sendContinue();
    }
    try {
      return in.read(into, offset, length);
    } catch (BadMessage bad) {
      failure = bad;
      throw bad;
    }
  }

  /** Reads and drops the rest; false as soon as that is known to be more than the maximum. */
  boolean drain(long most) throws IOException {
    byte[] dropped = new byte[4096];
    long left = most;
    while (in.announced() <= left) {
      int n = in.read(dropped);
      if (n < 0) {
        return true;
      }
      left -= n;
    }
    return false;
  }
}
