package luki.gateway.app;

import java.lang.management.ManagementFactory;
import jdk.management.VirtualThreadSchedulerMXBean;

/**
 * How many threads carry the virtual ones, and how many of these look for ready sockets.
 *
 * <p>A carrier takes a task that came from outside (a new connection, a connect that is done, a
 * timeout) only when its own queue is empty, and while it runs a poller that finds ready sockets
 * each time, it never is. As many pollers as carriers, as the JDK has them on 1, 2, 4 … processors,
 * let such tasks wait for seconds under load; one carrier more than pollers takes them at once.
 */
public final class Carriers {
  private static final String READ_POLLERS = "jdk.readPollers";

  private Carriers() {}

  /** To be called before the first socket is waited for. What the user has set stays. */
  public static void outnumberPollers() {
    VirtualThreadSchedulerMXBean scheduler =
        ManagementFactory.getPlatformMXBean(VirtualThreadSchedulerMXBean.class);
    if (scheduler.getParallelism() == 1
        && System.getProperty("jdk.virtualThreadScheduler.parallelism") == null) {
      scheduler.setParallelism(2);
    }
    if (System.getProperty(READ_POLLERS) == null) {
      // A power of two, as the JDK demands.
      int pollers = Math.max(1, Integer.highestOneBit(scheduler.getParallelism() - 1));
      System.setProperty(READ_POLLERS, Integer.toString(pollers));
    }
  }
}
