package luki.gateway.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.Processes;
import luki.gateway.testing.RedisProcess;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** After a gateway was killed, its counters and its usage events still exist. */
@Timeout(120)
class UsageIT {
  private static final String READS = "/v1/cognitive/life-story/phases";

  private Jar jar;
  private final List<Process> processes = new CopyOnWriteArrayList<>();
  private final CountDownLatch hang = new CountDownLatch(1);
  private volatile boolean hangs;
  private final RawUpstream cognitive =
      RawUpstream.serving(
          (connection, _) -> {
            if (hangs) {
              hang.await();
            }
            connection.send(RawUpstream.EMPTY_OBJECT);
          });

  @BeforeEach
  void place(@TempDir Path directory) throws IOException {
    jar = new Jar(directory);
  }

  @AfterEach
  void stop() throws IOException, InterruptedException {
    hang.countDown();
    for (Process process : processes) {
      process.destroyForcibly().waitFor();
    }
    cognitive.close();
    jar.unlink();
  }

  private int serve(Map<String, String> variables) throws IOException {
    int port = Processes.freePort();
    Map<String, String> environment = new HashMap<>(variables);
    environment.put("PORT", Integer.toString(port));
    processes.add(jar.shell(environment, "java -jar target/luki-gateway.jar"));
    Jar.awaitReady(port);
    return port;
  }

  private Map<String, String> environment() {
    Map<String, String> environment = new HashMap<>();
    environment.put("ENVIRONMENT", "dev");
    environment.put("COG_URL", cognitive.url());
    environment.put("RATE_LIMIT_PER_MIN", "0");
    return environment;
  }

  private String key(Map<String, String> environment, String... more) throws Exception {
    List<String> arguments =
        new ArrayList<>(
            List.of("key create --owner o --scopes cognitive:read --users maria_k".split(" ", -1)));
    arguments.addAll(List.of(more));
    return jar.run(environment, arguments.toArray(String[]::new)).expect(0).out().strip();
  }

  private static int status(int port, String key) {
    HttpResponse<String> answer = Jar.get(port, READS, "X-API-Key", key);
    return answer == null ? 0 : answer.statusCode();
  }

  private long written() throws IOException {
    Path file = jar.directory().resolve("usage.00000001");
    return Files.exists(file) ? Files.readAllLines(file).size() : 0;
  }

  @Test
  void eventsWrittenBeforeAKillAreDeliveredAndCountedAfterIt() throws Exception {
    Map<String, String> environment = environment();
    int sinkPort = Processes.freePort();
    environment.put("USAGE_OUTBOX", "usage");
    environment.put("USAGE_SINK_URL", "http://127.0.0.1:" + sinkPort);
    environment.put(
        "USAGE_SINK_SECRET", "whsec_" + Base64.getEncoder().encodeToString(new byte[32]));
    String key = key(environment);
    int port = serve(environment);
    for (int i = 0; i < 60; i++) {
      assertEquals(200, status(port, key));
    }
    Waiting.until(this::written, lines -> lines == 60);
    processes.getLast().destroyForcibly().waitFor();
    Set<String> ids = ConcurrentHashMap.newKeySet();
    try (RawUpstream sink =
        RawUpstream.serving(
            (connection, request) -> {
              ids.add(request.lines().filter(l -> l.startsWith("webhook-id")).toList().toString());
              connection.send("HTTP/1.1 204 No Content\r\n\r\n");
            })) {
      environment.put("USAGE_SINK_URL", sink.url());
      int again = serve(environment);
      assertEquals(200, status(again, key));
      Waiting.until(ids::size, size -> size == 61);
    }
    Jar.Ended sum = jar.run(environment, "usage", "--by", "plan", "--since", "1d").expect(0);
    assertTrue(sum.out().matches("(?s)plan +calls .*\ndefault +61 +61 +0 +0\n"), sum.out());
    Jar.Ended wrong = jar.run(environment, "usage", "--since", "yesterday").expect(2);
    assertTrue(wrong.err().contains("--since"), wrong.err());
  }

  @Test
  void reservationsOfAKilledGatewayExpire() throws Exception {
    try (RedisProcess redis = RedisProcess.start("--appendfsync", "no")) {
      Map<String, String> environment = environment();
      environment.put("REDIS_URL", redis.url());
      Path config = jar.directory().resolve("config/gateway.yaml");
      String text = Files.readString(config);
      assertTrue(text.contains("requests: {day: 500000}"));
      // A slow test machine must not cause an outage.
      Files.writeString(
          config,
          text.replace("requests: {day: 500000}", "requests: {day: 2}")
              .replace("redis_deadline: 20ms", "redis_deadline: 3s"));
      String key = key(environment, "--plan", "care_home");
      int doomed = serve(environment);
      int other = serve(environment);
      assertEquals(200, status(doomed, key));
      hangs = true;
      Thread.ofVirtual().start(() -> status(doomed, key));
      Waiting.until(() -> cognitive.calls().size() == 2);
      assertEquals(429, status(other, key));
      processes.getFirst().destroyForcibly().waitFor();
      hangs = false;
      assertEquals(429, status(other, key));
      long died = System.nanoTime();
      Waiting.until(() -> status(other, key), status -> status == 200);
      double seconds = (System.nanoTime() - died) / 1e9;
      assertTrue(seconds > 5 && seconds < 20, "returned after " + seconds + " s");
      assertEquals(429, status(other, key));
    }
  }
}
