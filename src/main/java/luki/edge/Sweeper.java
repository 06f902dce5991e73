package luki.edge;

import java.util.concurrent.locks.LockSupport;

/** One thread that looks at every deadline, so that no read or write needs a timer. */
final class Sweeper implements Runnable {
  private final ServerContext shared;
  private volatile boolean stopped;

  Sweeper(ServerContext shared) {
    this.shared = shared;
  }

  @Override
  public void run() {
    long tick = shared.limits().tick().toNanos();
    while (!stopped) {
      LockSupport.parkNanos(tick);
      shared.date().tick();
      long now = shared.now();
      shared.connections().forEach(connection -> connection.sweep(now));
    }
  }

  void stop() {
    stopped = true;
  }
}
