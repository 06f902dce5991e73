package luki.gateway.standin;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;

/** The stand-ins as a process: on ports 9000 to 9006, in the order of their names. */
public final class StandInsServer {
  private static final int FIRST_PORT = 9000;

  private StandInsServer() {}

  /** Serves until it is stopped. Argument: the address to listen on, 127.0.0.1 unless given. */
  public static void main(String[] arguments) throws InterruptedException {
    Map<String, Integer> ports = new TreeMap<>();
    for (String service : StandIns.VARIABLE_OF_SERVICE.keySet().stream().sorted().toList()) {
      ports.put(service, FIRST_PORT + ports.size());
    }
    StandIns.start(arguments.length == 0 ? "127.0.0.1" : arguments[0], ports);
    System.err.println("stand-ins: " + ports);
    new CountDownLatch(1).await();
  }
}
