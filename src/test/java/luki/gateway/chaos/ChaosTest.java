package luki.gateway.chaos;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A short run; {@code make chaos} is a long one. */
@Timeout(180)
class ChaosTest {
  @Test
  void everyRequestIsAnsweredOnceAndEveryFailureHasAnInjectedCause() throws Exception {
    ChaosRun run = new ChaosRun(7, Duration.ofSeconds(10));
    List<String> broken = run.run();
    assertEquals(List.of(), broken, run.summary());
    assertTrue(run.answered() > 200, run.summary());
  }
}
