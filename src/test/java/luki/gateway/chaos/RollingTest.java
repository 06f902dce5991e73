package luki.gateway.chaos;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import luki.gateway.testing.Proxy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A few restarts; {@code make rolling} does more. */
@Timeout(180)
class RollingTest {
  @Test
  void noRequestFailsWhileTheGatewaysAreRestartedInTurn() throws Exception {
    boolean mustBeThere = System.getenv("CI") != null;
    assumeTrue(mustBeThere || Proxy.HAPROXY.isInstalled(), "haproxy is missing: apt-get install");
    RollingRun run = new RollingRun(3);
    List<String> broken = run.run();
    assertEquals(List.of(), broken, run.summary());
    assertTrue(run.answered() > 100, run.summary());
  }
}
