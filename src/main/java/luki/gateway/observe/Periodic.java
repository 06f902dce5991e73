package luki.gateway.observe;

import java.time.Duration;
import java.time.temporal.ChronoUnit;

/** Runs a task again and again, on a virtual thread of its own, until it is closed. */
public final class Periodic implements AutoCloseable {
  /** The pause of a task that is not to run again. */
  public static final Duration NEVER = ChronoUnit.FOREVER.getDuration();

  private static final Diagnostics LOG = new Diagnostics("periodic");
  private static final Duration AFTER_DEFECT = Duration.ofSeconds(1);
  private static final Duration CLOSE_LIMIT = Duration.ofSeconds(5);

  private final Task task;
  private final Thread thread;
  private volatile boolean closing;

  /** One run of it. */
  @FunctionalInterface
  public interface Task {
    /** The pause until the next run. */
    Duration run() throws InterruptedException;
  }

  /** Starts at once. */
  public Periodic(String name, Task task) {
    this.task = task;
    this.thread = Thread.ofVirtual().name(name).start(this::run);
  }

  private void run() {
    try {
      while (!closing) {
        Thread.sleep(runOnce());
      }
    } catch (InterruptedException closed) {
      // close() was called.
    }
  }

  private Duration runOnce() throws InterruptedException {
    try {
      return task.run();
    } catch (RuntimeException defect) {
      LOG.error("unhandled exception in a periodic task", Diagnostics.Field.of("cause", defect));
      return AFTER_DEFECT;
    }
  }

  /** Interrupts the task and waits for its end. */
  @Override
  public void close() {
    closing = true;
    thread.interrupt();
    try {
      boolean _ = thread.join(CLOSE_LIMIT);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
