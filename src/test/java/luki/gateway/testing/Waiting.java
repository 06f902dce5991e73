package luki.gateway.testing;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.function.Predicate;

/** Waits for a condition, never for a fixed time. */
public final class Waiting {
  private static final long LOOK_MILLIS = 5;

  /** Where the time is no promise: enough for a busy machine. */
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private Waiting() {}

  /** The first value that meets the condition; else an assertion error with the last value. */
  public static <T> T until(Duration most, Callable<T> value, Predicate<T> wanted) {
    long end = System.nanoTime() + most.toNanos();
    while (true) {
      T now = Unchecked.get(value);
      if (wanted.test(now)) {
        return now;
      }
      if (System.nanoTime() > end) {
        throw new AssertionError("not within " + most + ": " + now);
      }
      try {
        Thread.sleep(LOOK_MILLIS);
      } catch (InterruptedException interrupted) {
        Thread.currentThread().interrupt();
        throw new AssertionError(interrupted);
      }
    }
  }

  public static void until(Duration most, Callable<Boolean> condition) {
    until(most, condition, Boolean::booleanValue);
  }

  public static <T> T until(Callable<T> value, Predicate<T> wanted) {
    return until(PATIENCE, value, wanted);
  }

  public static void until(Callable<Boolean> condition) {
    until(PATIENCE, condition);
  }
}
