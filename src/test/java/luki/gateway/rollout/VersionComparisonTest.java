package luki.gateway.rollout;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.time.Duration;
import java.util.Random;
import luki.gateway.rollout.RolloutState.Cause;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A hundred calls a second in simulated time, a tenth of the callers on the canary. */
class VersionComparisonTest {
  private static final int CALLERS = 1000;
  private static final int ON_CANARY = CALLERS / 10;
  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final Duration HALF_HOUR = Duration.ofMinutes(30);

  /** Calls at random moments by random callers, of two operations with different latencies. */
  private static final class Simulation {
    private final Random random;
    private final VersionComparison comparison;
    private long now;
    double stableErrors;
    double canaryErrors;
    double canarySlowness = 1;
    int badCaller = -1;
    int percentOfFew;

    Simulation(long seed) {
      random = new Random(seed);
      comparison = new VersionComparison(() -> now);
    }

    /** Why the canary is aborted within this time, or null. */
    Cause run(Duration time) {
      long end = now + time.toNanos();
      while (now < end) {
        now += (long) (-Math.log(1 - random.nextDouble()) * 10_000_000);
        int caller = random.nextInt(CALLERS);
        if (caller >= ON_CANARY && random.nextInt(100) < percentOfFew) {
          caller = CALLERS - 1 - random.nextInt(5);
        }
        Cause verdict = call(caller, random.nextInt(4) == 0);
        if (badCaller >= 0 && random.nextInt(10) == 0 && verdict == null) {
          verdict = comparison.ended(badCaller >= ON_CANARY, "GET /fast", badCaller, true, 1);
        }
        if (verdict != null) {
          return verdict;
        }
      }
      return null;
    }

    private Cause call(int caller, boolean slow) {
      boolean stable = caller >= ON_CANARY;
      boolean failed = random.nextDouble() < (stable ? stableErrors : canaryErrors);
      double millis = Math.exp(random.nextGaussian() * 0.5) * (slow ? 400 : 20);
      long nanos = (long) (millis * 1e6 * (stable ? 1 : canarySlowness));
      return comparison.ended(stable, slow ? "POST /slow" : "GET /fast", caller, failed, nanos);
    }
  }

  @ParameterizedTest
  @CsvSource({"0.001", "0.02"})
  void aVersionThatIsAsGoodAsTheStableOneIsNeverAborted(double errors) {
    for (int seed = 0; seed < 100; seed++) {
      Simulation simulation = new Simulation(seed);
      simulation.stableErrors = errors;
      simulation.canaryErrors = errors;
      assertNull(simulation.run(HALF_HOUR), "seed " + seed);
    }
  }

  @ParameterizedTest
  @CsvSource({"0, 0.05", "0.001, 0.05", "0.01, 0.08", "0.05, 0.3", "0, 1"})
  void aVersionThatFailsMoreOftenIsAbortedWithinAMinute(double stable, double canary) {
    for (int seed = 0; seed < 100; seed++) {
      Simulation simulation = new Simulation(seed);
      simulation.stableErrors = stable;
      simulation.canaryErrors = canary;
      assertEquals(Cause.ERRORS, simulation.run(MINUTE), "seed " + seed);
    }
  }

  /** Five callers make that much of the stable version's calls. */
  @ParameterizedTest
  @CsvSource({"80", "100"})
  void anEqualVersionIsNotAbortedWhereFewCallersMakeMostOfTheStableCalls(int percent) {
    for (int seed = 0; seed < 40; seed++) {
      Simulation simulation = new Simulation(seed);
      simulation.percentOfFew = percent;
      simulation.stableErrors = 0.03;
      simulation.canaryErrors = 0.03;
      assertNull(simulation.run(Duration.ofMinutes(10)), "seed " + seed);
    }
  }

  @ParameterizedTest
  @CsvSource({"80, 0.001, 0.05", "80, 0.01, 0.1", "100, 0.03, 1"})
  void aWorseVersionIsAbortedWhereFewCallersMakeMostOfTheStableCalls(
      int percent, double stable, double canary) {
    for (int seed = 0; seed < 20; seed++) {
      Simulation simulation = new Simulation(seed);
      simulation.percentOfFew = percent;
      simulation.stableErrors = stable;
      simulation.canaryErrors = stable;
      assertNull(simulation.run(Duration.ofMinutes(10)), "seed " + seed);
      simulation.canaryErrors = canary;
      assertEquals(Cause.ERRORS, simulation.run(MINUTE), "seed " + seed);
    }
  }

  @ParameterizedTest
  @CsvSource({"2", "5"})
  void aVersionThatIsSlowerIsAbortedWithinAMinute(double slowness) {
    for (int seed = 0; seed < 100; seed++) {
      Simulation simulation = new Simulation(seed);
      simulation.canarySlowness = slowness;
      assertEquals(Cause.LATENCY, simulation.run(MINUTE), "seed " + seed);
    }
  }

  /** It is not the version that is worse. */
  @Test
  void oneCallerWhoseRequestsAlwaysFailAbortsNothing() {
    for (int seed = 0; seed < 20; seed++) {
      Simulation simulation = new Simulation(seed);
      simulation.stableErrors = 0.001;
      simulation.canaryErrors = 0.001;
      simulation.badCaller = 7;
      assertNull(simulation.run(HALF_HOUR), "seed " + seed);
    }
  }

  @Test
  void aVersionThatTurnsBadAfterHoursIsAbortedWithinAMinuteToo() {
    Simulation simulation = new Simulation(1);
    simulation.stableErrors = 0.01;
    simulation.canaryErrors = 0.01;
    assertNull(simulation.run(Duration.ofHours(4)));
    simulation.canaryErrors = 0.08;
    assertEquals(Cause.ERRORS, simulation.run(MINUTE));
  }

  /** Where both fail alike, the cause is something else. */
  @Test
  void anOutageOfBothVersionsAbortsNothing() {
    Simulation simulation = new Simulation(1);
    for (int i = 0; i < 20; i++) {
      simulation.stableErrors = i % 2;
      simulation.canaryErrors = i % 2;
      assertNull(simulation.run(MINUTE), "minute " + i);
    }
  }
}
