package luki.gateway.limit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import luki.gateway.standin.RawUpstream;
import luki.gateway.standin.StandIns;
import luki.gateway.testing.Client;
import luki.gateway.testing.RawHttpClient;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** More work than the processors can do is refused at once; what was admitted is finished. */
@Timeout(120)
class OverloadTest {
  private static final int IN_FLIGHT = 4 * AdaptiveLimit.FLOOR;
  private static final int FEW = 4;
  private static final int PROCESSORS = Runtime.getRuntime().availableProcessors();
  private static final String PATH = "/v1/engagement/interactions";
  private static final String BODY =
      "{\"user_id\":\"maria_k\",\"interaction_type\":\"chat\",\"content\":{\"topic\":\"none\"}}";

  /** Keeps every carrier of virtual threads busy, with more work ready behind. */
  private static List<Thread> busy(AtomicBoolean stop) {
    List<Thread> all = new ArrayList<>();
    for (int i = 0; i < 3 * PROCESSORS; i++) {
      all.add(
          Thread.startVirtualThread(
              () -> {
                while (!stop.get()) {
                  long end = System.nanoTime() + 4_000_000L;
                  while (System.nanoTime() < end && !stop.get()) {
                    Thread.onSpinWait();
                  }
                  LockSupport.parkNanos(1_000_000);
                }
              }));
    }
    return all;
  }

  private static boolean isLimited(TestGateway gateway) {
    return !gateway.metric("luki_gateway_admission_limit").equals("-1.0");
  }

  /** Sends a request on a connection of its own. */
  private static RawHttpClient asking(Client client, Duration patience) throws IOException {
    int port = URI.create(client.url()).getPort();
    RawHttpClient one = new RawHttpClient(port, (int) patience.toMillis(), 0);
    one.send(
        "POST %s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
            .formatted(PATH, client.key(), BODY.length(), BODY));
    return one;
  }

  /** The whole reply; empty when it does not come at once, since the request was admitted. */
  private static String reply(Client client) {
    try (RawHttpClient one = asking(client, Duration.ofSeconds(2))) {
      return one.readToEnd();
    } catch (IOException admitted) {
      return "";
    }
  }

  @Test
  void requestsAreRefusedWhileWorkWaitsForAProcessorAndThoseInFlightAreFinished() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    AtomicBoolean stop = new AtomicBoolean();
    List<RawHttpClient> clients = new ArrayList<>();
    try (RawUpstream slow =
            RawUpstream.serving(
                (connection, _) -> {
                  release.await();
                  connection.send(RawUpstream.EMPTY_OBJECT);
                });
        StandIns services = StandIns.start(Set.of("security"));
        TestGateway gateway =
            TestGateway.builder()
                .with(services.urls())
                .with("ENG_URL", slow.url())
                .yaml("max_queue_delay: 20ms", "max_queue_delay: 2ms")
                .yaml("max_concurrent: 256", "max_concurrent: 4096")
                .yaml("percent: 25", "percent: 100")
                .start()) {
      Client client = new Client(gateway, gateway.key(List.of("*"), "engagement:write"));
      for (int i = 0; i < IN_FLIGHT; i++) {
        clients.add(asking(client, Duration.ofMinutes(1)));
        // A few at a time, so that these make no queue.
        int sent = i / FEW * FEW;
        Waiting.until(() -> slow.requests().size() >= sent);
      }
      Waiting.until(() -> slow.requests().size() >= IN_FLIGHT && !isLimited(gateway));
      List<Thread> busy = busy(stop);
      Waiting.until(() -> isLimited(gateway));
      String refused = Waiting.until(() -> reply(client), reply -> reply.contains(" 503 "));
      assertTrue(refused.contains("Retry-After: "), refused);
      assertTrue(refused.contains("OVERLOADED"), refused);
      assertEquals(200, gateway.stranger().get("/healthz").status());
      stop.set(true);
      for (Thread one : busy) {
        one.join();
      }
      release.countDown();
      for (RawHttpClient one : clients) {
        assertTrue(one.readReply().startsWith("HTTP/1.1 200 "));
      }
      assertEquals(200, client.post(PATH, BODY).status());
      Waiting.until(() -> !isLimited(gateway));
    } finally {
      stop.set(true);
      release.countDown();
      for (RawHttpClient one : clients) {
        one.close();
      }
    }
  }
}
