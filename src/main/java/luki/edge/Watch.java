package luki.edge;

import java.io.IOException;
import luki.http1.InputBuffer;

/** Blocks in a read while a handler works, to see when the client leaves. */
final class Watch implements Runnable {
  /** A client that sends more than that before it has its reply counts as gone. */
  private static final int MAX_UNASKED = 64 * 1024;

  private final InputBuffer source;
  private final Runnable then;
  private boolean over;
  private volatile boolean gone;

  Watch(InputBuffer source, Runnable then) {
    this.source = source;
    this.then = then;
  }

  boolean isGone() {
    return gone;
  }

  /** The exchange has ended: the action is not run any more. */
  synchronized void end() {
    over = true;
  }

  @Override
  public void run() {
    byte[] dropped = new byte[512];
    try {
      int sum = 0;
      for (int n = 0; n >= 0 && sum <= MAX_UNASKED; sum += n) {
        n = source.read(dropped, 0, dropped.length);
      }
    } catch (IOException _) {
      // A reset is as good as an end.
    }
    if (claim()) {
      then.run();
    }
  }

  private synchronized boolean claim() {
    gone = !over;
    return gone;
  }
}
