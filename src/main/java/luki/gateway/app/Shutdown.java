package luki.gateway.app;

import java.time.Duration;
import java.util.List;
import luki.gateway.http.Deadline;
import luki.gateway.observe.Diagnostics;
import luki.gateway.observe.Diagnostics.Field;

/**
 * Closes a part of the gateway on a thread of its own, so that a part that hangs or fails does not
 * delay the others.
 */
record Shutdown(AutoCloseable part, Thread thread) {
  private static final Diagnostics LOG = new Diagnostics("shutdown");
  private static final Duration REPORT_TIME = Duration.ofMillis(100);

  /**
   * Closes the parts at the same time, all before one deadline. A part that is late is interrupted
   * shortly before it, so that it can still log what is lost.
   */
  static void close(Deadline end, List<AutoCloseable> parts) {
    Deadline interruption = new Deadline(end.atNanos() - REPORT_TIME.toNanos());
    List<Shutdown> closing = parts.stream().map(Shutdown::begin).toList();
    try {
      for (Shutdown one : closing) {
        if (!one.thread.join(interruption.left())) {
          LOG.error("a part is not closed in time", Field.of("part", one.part));
          one.thread.interrupt();
        }
      }
      for (Shutdown one : closing) {
        boolean _ = one.thread.join(end.left());
      }
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }

  private static Shutdown begin(AutoCloseable part) {
    // A platform thread: a part that blocks its carrier must not delay the others.
    return new Shutdown(part, Thread.ofPlatform().daemon().name("close").start(() -> close(part)));
  }

  private static void close(AutoCloseable part) {
    try {
      part.close();
    } catch (Exception failure) {
      LOG.error("a part cannot be closed", Field.of("part", part), Field.of("cause", failure));
    }
  }
}
