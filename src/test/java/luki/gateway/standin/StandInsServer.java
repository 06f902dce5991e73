package luki.gateway.standin;

import java.io.UncheckedIOException;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;

/** The stand-ins as a process: on ports 9000 to 9006, in the order of their names. */
public final class StandInsServer {
  private static final int FIRST_PORT = 9000;

  private StandInsServer() {}

  /**
   * Serves until it is stopped, and prints the variables that a gateway needs. Argument: the
   * address to listen on, 127.0.0.1 unless given.
   */
  public static void main(String[] arguments) throws InterruptedException {
    String host = arguments.length == 0 ? "127.0.0.1" : arguments[0];
    Map<String, Integer> ports = new TreeMap<>();
    for (String service : StandIns.VARIABLE_OF_SERVICE.keySet().stream().sorted().toList()) {
      ports.put(service, FIRST_PORT + ports.size());
    }
    try {
      StandIns.start(host, ports);
    } catch (UncheckedIOException inUse) {
      System.err.printf(
          "stand-ins: %s: are there others on ports %d to %d?%n",
          inUse.getCause().getMessage(), FIRST_PORT, FIRST_PORT + ports.size() - 1);
      System.exit(2);
    }
    System.err.println(
        ports.entrySet().stream()
            .map(
                each ->
                    StandIns.VARIABLE_OF_SERVICE.get(each.getKey())
                        + "=http://localhost:"
                        + each.getValue())
            .collect(Collectors.joining(" ", "stand-ins: ", "")));
    new CountDownLatch(1).await();
  }
}
