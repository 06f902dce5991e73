package luki.gateway.app;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import luki.gateway.cli.Main;
import luki.gateway.testing.Processes;
import luki.gateway.testing.RawHttpClient;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.Test;

/** Requests that arrive while others keep the gateway busy, in a process with one processor. */
class CarriersTest {
  private static final String ASK = "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n";
  private static final String ANSWER = "{\"status\":\"ok\"}";
  private static final int BUSY = 64;
  private static final int AT_ONCE = 8;
  // Until then the JIT compiles, and all requests wait for it.
  private static final int WARM = 50_000;
  private static final int NEWCOMERS = 40;
  private static final int PATIENCE_MS = 2000;
  private static final Duration START = Duration.ofSeconds(60);

  private final AtomicBoolean over = new AtomicBoolean();
  private final LongAdder asked = new LongAdder();

  private static Process start(int port) throws IOException {
    ProcessBuilder gateway =
        new ProcessBuilder(
            Processes.javaCommand(Main.class, List.of("-XX:ActiveProcessorCount=1")));
    gateway.environment().put("ENVIRONMENT", "dev");
    gateway.environment().put("HOST", "127.0.0.1");
    gateway.environment().put("PORT", Integer.toString(port));
    return gateway
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  /** Sends so many requests at the same time and reads their replies. */
  private static void ask(RawHttpClient client, int count) throws IOException {
    client.send(ASK.repeat(count));
    for (int i = 0; i < count; i++) {
      client.readUntil(ANSWER);
    }
  }

  private static boolean isServed(int port) {
    try (RawHttpClient newcomer = new RawHttpClient(port, PATIENCE_MS, 0)) {
      ask(newcomer, 1);
      return true;
    } catch (IOException _) {
      return false;
    }
  }

  private void askAllTheTime(int port) {
    try (RawHttpClient client = new RawHttpClient(port)) {
      while (!over.get()) {
        ask(client, AT_ONCE);
        asked.add(AT_ONCE);
      }
    } catch (IOException broken) {
      throw new AssertionError(broken);
    }
  }

  @Test
  void aNewConnectionIsServedWhileOthersKeepTheProcessorBusy() throws Exception {
    int port = Processes.freePort();
    Process gateway = start(port);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Waiting.until(START, () -> isServed(port));
      List<Future<?>> busy = new ArrayList<>();
      for (int i = 0; i < BUSY; i++) {
        busy.add(threads.submit(() -> askAllTheTime(port)));
      }
      Waiting.until(START, asked::sum, sum -> sum > WARM);
      int late = 0;
      for (int i = 0; i < NEWCOMERS; i++) {
        late += isServed(port) ? 0 : 1;
      }
      over.set(true);
      for (Future<?> each : busy) {
        each.get();
      }
      assertEquals(0, late, "waited for more than " + PATIENCE_MS + " ms");
    } finally {
      over.set(true);
      gateway.destroyForcibly();
    }
  }
}
