package luki.gateway.chaos;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.Test;

/** A short run; {@code make chaos} is a long one. */
class ChaosTest {

  @Test
  void everyRequestIsAnsweredOnceAndEveryFailureHasAnInjectedCause() throws Exception {
    long seed = Long.getLong("luki.chaos.seed", 7);
    Duration time = Duration.ofSeconds(Long.getLong("luki.chaos.seconds", 10));
    // What is loaded and compiled once is there before the first measurement.
    new ChaosRun(seed, Duration.ofSeconds(1)).run();
    Resources before = Resources.now();
    ChaosRun run = new ChaosRun(seed, time);
    List<String> broken = run.run();
    System.out.println(run.summary());
    assertEquals(List.of(), broken, run.summary());
    assertTrue(run.answered() > 20 * time.toSeconds(), run.summary());
    run = null;
    Resources after = Waiting.until(Resources::now, now -> now.isWithin(before));
    System.out.println("before " + before + ", after " + after);
  }
}
