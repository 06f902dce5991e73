package luki.gateway.chaos;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import luki.gateway.standin.RawUpstream;
import luki.gateway.standin.StandIns;
import luki.gateway.testing.GatewayProcess;
import luki.gateway.testing.RawHttpClient;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** More work than the processors can do is refused at once; what was admitted is finished. */
@Timeout(120)
class OverloadTest {
  private static final int IN_FLIGHT = 512;
  private static final int FEW = 4;
  private static final int BUSY = 1024;
  private static final int TRIES = 60;
  private static final Duration SHORT = Duration.ofMillis(500);
  private static final Duration LONG = Duration.ofMinutes(1);
  private static final String BODY = "{\"user_id\":\"maria_k\",\"interaction_type\":\"chat\"}";

  private final AtomicBoolean stop = new AtomicBoolean();
  private final List<RawHttpClient> connections = new ArrayList<>();

  /** Clients that ask for the health without a pause: their sockets are ready, and wait. */
  private List<Thread> busy(int port) {
    List<Thread> all = new ArrayList<>();
    for (int i = 0; i < BUSY; i++) {
      all.add(
          Thread.startVirtualThread(
              () -> {
                try (RawHttpClient one = new RawHttpClient(port)) {
                  while (!stop.get()) {
                    askForHealth(one);
                  }
                } catch (IOException closed) {
                  // There are others.
                }
              }));
    }
    return all;
  }

  private static double refused(GatewayProcess gateway) {
    return gateway.metric("luki_gateway_admission_refused_ratio ");
  }

  private static double overloaded(GatewayProcess gateway) {
    return gateway.metric(
        "http_server_request_duration_seconds_count{http_request_method=\"POST\","
            + "http_response_status_code=\"503\"");
  }

  private RawHttpClient connection(GatewayProcess gateway, Duration patience) throws IOException {
    RawHttpClient one = new RawHttpClient(gateway.port(), (int) patience.toMillis(), 0);
    connections.add(one);
    return one;
  }

  private static void askForHealth(RawHttpClient one) throws IOException {
    one.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    assertTrue(one.readReply().startsWith("HTTP/1.1 200 "));
  }

  private static void ask(RawHttpClient one, String key) throws IOException {
    one.send(
        "POST /v1/engagement/interactions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            .formatted(key, BODY.length(), BODY));
  }

  /**
   * The reply on one of the connections, each of which takes one request; empty when it does not
   * come at once, since the request was admitted.
   */
  private static String reply(Iterator<RawHttpClient> tries, String key) {
    try (RawHttpClient one = tries.next()) {
      ask(one, key);
      return one.readReply();
    } catch (IOException admitted) {
      return "";
    }
  }

  private static Map<String, String> variables(ProcessSetting setting, String slow)
      throws IOException {
    Map<String, String> variables = new TreeMap<>(setting.variables());
    variables.put("ENG_URL", slow);
    Path file = Path.of(variables.get("GATEWAY_CONFIG"));
    String text =
        Files.readString(file)
            .replace("max_queue_delay: 0ms", "max_queue_delay: 4ms")
            .replaceAll("max_concurrent: \\d+", "max_concurrent: 4096")
            .replaceAll("percent: \\d+", "percent: 100")
            .replaceAll("deadline: \\d+s", "deadline: 60s");
    Files.writeString(file, text);
    return variables;
  }

  @Test
  void requestsAreRefusedWhileWorkWaitsForAProcessorAndThoseInFlightAreFinished(
      @TempDir Path directory) throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    try (RawUpstream slow =
            RawUpstream.serving(
                (connection, _) -> {
                  release.await();
                  connection.send(RawUpstream.EMPTY_OBJECT);
                });
        StandIns services = StandIns.start()) {
      ProcessSetting setting = new ProcessSetting(services, directory);
      String key = setting.keyFor("maria_k");
      try (GatewayProcess gateway =
          GatewayProcess.start(
              directory, List.of(), variables(setting, slow.url()), GatewayProcess.Output.ERRORS)) {
        List<RawHttpClient> admitted = new ArrayList<>();
        // A few at a time, so that these make no queue; a busy machine can make one all the same.
        while (slow.calls().size() < IN_FLIGHT) {
          for (int i = 0; i < FEW; i++) {
            admitted.add(connection(gateway, LONG));
            ask(admitted.getLast(), key);
          }
          Waiting.until(() -> slow.calls().size() + overloaded(gateway) == admitted.size());
        }
        List<RawHttpClient> spare = new ArrayList<>();
        for (int i = 0; i < TRIES; i++) {
          spare.add(connection(gateway, SHORT));
          askForHealth(spare.getLast());
        }
        Waiting.until(() -> refused(gateway) == 0);
        int inFlight = slow.calls().size();
        List<Thread> busy = busy(gateway.port());
        Waiting.until(() -> refused(gateway) > 0.5);
        Iterator<RawHttpClient> tries = spare.iterator();
        String refused = Waiting.until(() -> reply(tries, key), reply -> reply.contains(" 503 "));
        assertTrue(refused.contains("Retry-After: "), refused);
        assertTrue(refused.contains("OVERLOADED"), refused);
        stop.set(true);
        for (Thread one : busy) {
          one.join();
        }
        release.countDown();
        int finished = 0;
        for (RawHttpClient one : admitted) {
          String reply = one.readReply();
          boolean isFinished = reply.startsWith("HTTP/1.1 200 ");
          assertTrue(isFinished || reply.contains("OVERLOADED"), reply);
          finished += isFinished ? 1 : 0;
        }
        assertEquals(inFlight, finished);
        Waiting.until(() -> refused(gateway) == 0);
        ask(admitted.getFirst(), key);
        assertTrue(admitted.getFirst().readReply().startsWith("HTTP/1.1 200 "));
      } finally {
        stop.set(true);
        release.countDown();
        for (RawHttpClient one : connections) {
          one.close();
        }
      }
    }
  }
}
