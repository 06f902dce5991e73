package luki.gateway.rollout;

import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import luki.gateway.rollout.RolloutState.Cause;
import org.jspecify.annotations.Nullable;

/**
 * Decides whether a version of a service fails more often, or is slower, than the stable one.
 *
 * <p>The calls of each operation in five seconds are a 2×2 table: version × failed or not. If both
 * versions are equal, each failure of the table is the version's with the probability p = its share
 * of the table's calls; if it fails {@link #RATIO} times as often, with RATIO·p / (1 +
 * (RATIO−1)·p). The logarithm of the ratio of these likelihoods is added up over the tables, and
 * never falls below zero: Wald's sequential probability ratio test (1945), begun anew whenever it
 * speaks for the version (Page's CUSUM, 1954). The version is worse once the sum reaches
 * ln(1/{@link #ALPHA}): by Ville's inequality a version that is not worse gets there from zero with
 * a probability of at most ALPHA, however often one looks.
 *
 * <p>Slowness is the same test: a call is slow if it takes half as long again, and at least 10 ms
 * more, than 95 % of the operation's stable calls of the half minute before. The failures of one
 * caller, whose requests may be their cause, are at most a quarter of what it takes; after those,
 * none of its calls counts until the sum begins anew.
 */
final class VersionComparison {
  /** The test expects a version that is worse to fail so many times as often. */
  static final double RATIO = 5;

  /** The probability with which a version that is not worse is taken for worse. */
  static final double ALPHA = 1e-6;

  /** The time of a call that was counted before, as a success. */
  static final long COUNTED_BEFORE = -1;

  private static final double ENOUGH = Math.log(1 / ALPHA);
  private static final long TABLE_NANOS = Duration.ofSeconds(5).toNanos();
  private static final int TABLES_OF_LATENCY = 6;
  private static final int MIN_CALLERS = 4;
  private static final int STABLE = 0;
  private static final int OTHER = 1;

  private final LongSupplier nanoTime;
  // One for each operation of the contract that is called.
  private final Map<String, Table> tables = new HashMap<>();
  private final Evidence failures = new Evidence();
  private final Evidence slowness = new Evidence();
  private long tableEnds;
  private int tablesUntilLatency = TABLES_OF_LATENCY;

  VersionComparison(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    this.tableEnds = nanoTime.getAsLong() + TABLE_NANOS;
  }

  /** The calls of one operation since the last look, and its latencies. */
  private static final class Table {
    private Counts failures = new Counts();
    private Counts slowness = new Counts();
    private final Latencies stable = new Latencies();
    private long slowNanos = Long.MAX_VALUE;
  }

  /** Calls of the stable version and of the other, and the bad ones among them. */
  private static final class Counts {
    private final int[] calls = new int[2];
    private final int[] bad = new int[2];

    /** A failure may be found later than its call. */
    int of(int side) {
      return Math.max(calls[side], bad[side]);
    }
  }

  /** The sum of one test, and how many failures of each caller it has (callers by hash). */
  private static final class Evidence {
    private final byte[] ofCaller = new byte[256];
    private int perCaller = 2;
    private int leastPerCaller = Byte.MAX_VALUE;
    private boolean leftOut;
    private boolean compared;
    private double sum;

    /** A call. Of a caller that has had its part, good calls do not count either. */
    void call(Counts counts, int side, int caller, boolean isNew, boolean bad) {
      int bucket = (caller ^ caller >>> 8 ^ caller >>> 16) & 0xff;
      if (ofCaller[bucket] >= perCaller) {
        leftOut |= isNew;
        return;
      }
      counts.calls[side] += isNew ? 1 : 0;
      if (bad) {
        ofCaller[bucket]++;
        counts.bad[side]++;
      }
    }

    void add(Counts counts) {
      int other = counts.of(OTHER);
      int stable = counts.of(STABLE);
      if (other > 0 && stable > 0) {
        compared = true;
        double share = other / (double) (other + stable);
        double ofStable = -Math.log1p((RATIO - 1) * share);
        double ofOther = Math.log(RATIO) + ofStable;
        sum += counts.bad[OTHER] * ofOther + counts.bad[STABLE] * ofStable;
        leastPerCaller = (int) Math.clamp(ENOUGH / MIN_CALLERS / ofOther, 2, leastPerCaller);
      }
    }

    boolean isEnough() {
      perCaller = leastPerCaller < Byte.MAX_VALUE ? leastPerCaller : perCaller;
      leastPerCaller = Byte.MAX_VALUE;
      // Where all callers of a version have had their part, nothing would count ever after.
      boolean stuck = leftOut && !compared;
      leftOut = false;
      compared = false;
      if (sum <= 0 || stuck) {
        sum = 0;
        Arrays.fill(ofCaller, (byte) 0);
      }
      return sum >= ENOUGH;
    }
  }

  /**
   * Counts a call.
   *
   * @param stable of the stable version
   * @param caller a hash
   * @param failed how it ended; its time is compared only if it succeeded
   * @param nanos of the call, or {@link #COUNTED_BEFORE}
   * @return why the version is worse, or null
   */
  synchronized @Nullable Cause ended(
      boolean stable, String operation, int caller, boolean failed, long nanos) {
    Cause verdict = look();
    Table table = tables.computeIfAbsent(operation, _ -> new Table());
    int side = stable ? STABLE : OTHER;
    failures.call(table.failures, side, caller, nanos != COUNTED_BEFORE, failed);
    if (failed) {
      return verdict;
    }
    slowness.call(table.slowness, side, caller, true, nanos > table.slowNanos);
    if (stable) {
      table.stable.add(nanos);
    }
    return verdict;
  }

  private @Nullable Cause look() {
    if (nanoTime.getAsLong() - tableEnds < 0) {
      return null;
    }
    tableEnds = nanoTime.getAsLong() + TABLE_NANOS;
    boolean newLatency = --tablesUntilLatency == 0;
    for (Table table : tables.values()) {
      failures.add(table.failures);
      slowness.add(table.slowness);
      table.failures = new Counts();
      table.slowness = new Counts();
      if (newLatency) {
        table.slowNanos = table.stable.slowNanos(table.slowNanos);
      }
    }
    if (newLatency) {
      tablesUntilLatency = TABLES_OF_LATENCY;
    }
    boolean slower = slowness.isEnough();
    return failures.isEnough() ? Cause.ERRORS : slower ? Cause.LATENCY : null;
  }

  /** How often calls took how long, in steps of at most a quarter. */
  private static final class Latencies {
    private static final int MIN_CALLS = 50;
    private static final long MIN_MARGIN_NANOS = 10_000_000;

    private final int[] counts = new int[128];
    private int sum;

    void add(long nanos) {
      long micros = Math.clamp(nanos / 1000, 4, Integer.MAX_VALUE);
      int exponent = 63 - Long.numberOfLeadingZeros(micros);
      counts[exponent * 4 + (int) (micros >>> (exponent - 2) & 3)]++;
      sum++;
    }

    /** From where on a call is slow, by what was counted since the last time, if it is enough. */
    long slowNanos(long before) {
      if (sum < MIN_CALLS) {
        return before;
      }
      int at = counts.length - 1;
      for (int above = counts[at]; at > 0 && above * 20L <= sum; above += counts[at]) {
        at--;
      }
      long nanos = ((5L + at % 4) << (at / 4 - 2)) * 1000;
      Arrays.fill(counts, 0);
      sum = 0;
      return Math.max(nanos + nanos / 2, nanos + MIN_MARGIN_NANOS);
    }
  }
}
