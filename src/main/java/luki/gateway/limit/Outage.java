package luki.gateway.limit;

import java.util.concurrent.atomic.AtomicInteger;
import luki.gateway.observe.Diagnostics;

/**
 * Whether Redis is left alone: near → away (failures in a row) → near (a probe went well). Each
 * change is told once.
 */
final class Outage {
  private static final Diagnostics LOG = new Diagnostics("redis");
  private static final int FAILURES = 5;

  private final AtomicInteger failures = new AtomicInteger();
  private volatile boolean away;

  boolean isOn() {
    return away;
  }

  void succeeded() {
    failures.set(0);
  }

  void failed(Exception failure) {
    if (failures.incrementAndGet() >= FAILURES && !away) {
      begin(failure);
    }
  }

  synchronized void begin(Exception failure) {
    if (!away) {
      away = true;
      LOG.warn("Redis is left alone", Diagnostics.Field.of("cause", failure));
    }
  }

  synchronized void end() {
    if (away) {
      failures.set(0);
      away = false;
      LOG.info("Redis is used again");
    }
  }
}
