package luki.gateway.upstream;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * Bounds repeats to a share of the calls, so that a failing service does not get twice the load:
 * five at once, and one more for every twenty calls. Any hundred calls cause at most ten.
 */
final class RetryBudget {
  private static final int REPEAT = 20;
  private static final int MAX = 5 * REPEAT;

  private final AtomicInteger credit = new AtomicInteger(MAX);

  void called() {
    credit.updateAndGet(have -> Math.min(MAX, have + 1));
  }

  boolean tryRepeat() {
    int before = credit.getAndUpdate(have -> have >= REPEAT ? have - REPEAT : have);
    return before >= REPEAT;
  }
}
