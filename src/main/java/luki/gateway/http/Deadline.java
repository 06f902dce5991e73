package luki.gateway.http;

import java.time.Duration;

/** A moment on the monotonic clock after which a result is not needed any more. */
public record Deadline(long atNanos) {
  public static Deadline after(Duration duration) {
    return new Deadline(System.nanoTime() + duration.toNanos());
  }

  public Deadline sooner(Deadline other) {
    return atNanos - other.atNanos <= 0 ? this : other;
  }

  /** The time left, zero when it has passed. */
  public Duration left() {
    return Duration.ofNanos(Math.max(0, atNanos - System.nanoTime()));
  }

  public boolean hasPassed() {
    return atNanos - System.nanoTime() <= 0;
  }
}
