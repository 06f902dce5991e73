package luki.gateway.observe;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import luki.gateway.testing.RawHttpClient;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The reader of stdout is blocked, or its disk is full: requests are not affected. */
@Timeout(120)
class BlockedStdoutTest {
  // More than the capacity of the queue.
  private static final int REQUESTS = 20_000;
  private static final Duration BLOCKED = Duration.ofSeconds(30);

  /** Blocks each write until it is released. */
  private static final class Blocked extends OutputStream {
    private final CountDownLatch letGo = new CountDownLatch(1);
    private final CountDownLatch reached = new CountDownLatch(1);

    @Override
    public void write(int octet) throws IOException {
      reached.countDown();
      try {
        letGo.await();
      } catch (InterruptedException stopped) {
        throw new IOException(stopped);
      }
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      write(0);
    }
  }

  private static double dropped(TestGateway gateway) {
    return gateway
        .stranger()
        .get("/metrics")
        .body()
        .lines()
        .filter(line -> line.startsWith("luki_gateway_log_lines_dropped_total"))
        .mapToDouble(line -> Double.parseDouble(line.split(" ", 2)[1]))
        .sum();
  }

  @Test
  void requestsAreNotAffectedAndDroppedLinesAreCounted() throws Exception {
    Blocked stdout = new Blocked();
    try (TestGateway gateway = TestGateway.builder().logTo(stdout).start()) {
      long began = System.nanoTime();
      List<Long> nanos = new ArrayList<>();
      ask(gateway, REQUESTS, nanos);
      assertTrue(stdout.reached.await(1, TimeUnit.SECONDS));
      while (System.nanoTime() - began < BLOCKED.toNanos()) {
        ask(gateway, 50, nanos);
        Thread.sleep(Duration.ofMillis(100));
      }
      Collections.sort(nanos);
      double p99 = nanos.get((int) (nanos.size() * 0.99)) / 1e6;
      assertTrue(p99 < 20, "p99 " + p99 + " ms");
      double lost = dropped(gateway);
      assertTrue(lost > 1000, lost + " dropped");
      stdout.letGo.countDown();
      // Queued lines are written, and new lines are accepted again.
      Waiting.until(Duration.ofSeconds(10), () -> gateway.log().size() > 10_000);
      int before = gateway.log().size();
      gateway.stranger().get("/healthz").expect(200);
      Waiting.until(Duration.ofSeconds(5), () -> gateway.log().size() > before);
    }
  }

  @Test
  void linesForAFullDiskAreCounted() {
    OutputStream full =
        new OutputStream() {
          @Override
          public void write(int octet) throws IOException {
            throw new IOException("No space left on device");
          }
        };
    try (TestGateway gateway = TestGateway.builder().logTo(full).start()) {
      for (int i = 0; i < 20; i++) {
        gateway.stranger().get("/healthz").expect(200);
      }
      Waiting.until(Duration.ofSeconds(5), () -> dropped(gateway) >= 1);
    }
  }

  private static void ask(TestGateway gateway, int count, List<Long> nanos) throws IOException {
    try (RawHttpClient client = new RawHttpClient(gateway.port())) {
      for (int i = 0; i < count; i++) {
        long start = System.nanoTime();
        client.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
        client.readReply();
        nanos.add(System.nanoTime() - start);
      }
    }
  }
}
