package luki.gateway.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import luki.gateway.http.Scope;
import luki.gateway.keys.ApiKeyAdmin;
import luki.gateway.keys.KeyEntry;
import luki.gateway.keys.KeyFile;
import luki.gateway.keys.KeyedHash;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.Client;
import luki.gateway.testing.GatewayProcess;
import luki.gateway.testing.RawHttpClient;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A process with a heap of 256 MB lives and serves a good caller, whatever others send or leave.
 */
@Timeout(120)
class MemoryFaultsTest {
  private static final String PEPPER = "a pepper that only the tests know, long enough";
  private static final int BIG = 5_000_000;
  private static final String SMALL_PATH = "/v1/engagement/metrics/good";

  private final List<AutoCloseable> open = new CopyOnWriteArrayList<>();
  @TempDir private Path directory;
  private GatewayProcess gateway;
  private String good;
  private String bad;

  @BeforeAll
  static void onlyWithTheGatewaysOwnEngines() {
    assumeTrue(TestGateway.isEdge() && TestGateway.isWire(), "the JDK's engines have no budget");
  }

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable each : open.reversed()) {
      each.close();
    }
  }

  private void start(RawUpstream.Script script) throws Exception {
    start(script, Map.of());
  }

  private void start(RawUpstream.Script script, Map<String, String> more) throws Exception {
    RawUpstream upstream = RawUpstream.start(script);
    open.add(upstream);
    ApiKeyAdmin keys =
        new ApiKeyAdmin(
            new KeyFile(directory.resolve("keys.json")),
            KeyedHash.ofPepper(PEPPER),
            Clock.systemUTC());
    good = key(keys, "good");
    bad = key(keys, "bad");
    Map<String, String> variables = new HashMap<>(more);
    variables.put("API_KEY_PEPPER", PEPPER);
    variables.put("RATE_LIMIT_PER_MIN", "0");
    for (String name : List.of("AGENT_URL", "ENG_URL", "MEMORY_URL", "SECURITY_URL")) {
      variables.put(name, upstream.url());
    }
    gateway =
        GatewayProcess.start(
            directory, List.of("-Xmx256m", "-XX:+ExitOnOutOfMemoryError"), variables);
    open.add(gateway);
    assertServes();
  }

  private static String key(ApiKeyAdmin keys, String user) throws IOException, KeyFile.Broken {
    Set<Scope> scopes =
        Set.of(new Scope("engagement:read"), new Scope("elr:write"), new Scope("chat:write"));
    return keys.create(
            new ApiKeyAdmin.Wanted(
                user, scopes, Set.of(), KeyEntry.usersOf(List.of(user), user), null, null))
        .reveal();
  }

  /** Small JSON for the good caller, the given one for others. */
  private static RawUpstream.Script answering(String type, byte[] body) {
    return connection -> {
      while (true) {
        String request = connection.readRequest();
        if (request.startsWith("GET /metrics/bad")) {
          connection.send(
              "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
                  .formatted(type, body.length));
          connection.send(body);
        } else {
          connection.reply("200 OK", "{\"allowed\":true}");
        }
      }
    };
  }

  private void assertServes() {
    assertTrue(gateway.process().isAlive(), () -> "ended: " + gateway.err());
    gateway.stranger().get("/healthz").expect(200);
    new Client("http://127.0.0.1:" + gateway.port(), good).get(SMALL_PATH).expect(200);
  }

  private String get(String path, String key) {
    return "GET " + path + " HTTP/1.1\r\nHost: h\r\nX-API-Key: " + key + "\r\n\r\n";
  }

  private RawHttpClient sent(String request) throws IOException {
    RawHttpClient client = new RawHttpClient(gateway.port(), 20_000, 4096);
    open.add(client);
    client.sendAsFarAsTaken(request.getBytes(StandardCharsets.ISO_8859_1));
    return client;
  }

  private static int status(RawHttpClient client) {
    try {
      return Integer.parseInt(client.readUntil("\r\n\r\n").substring(9, 12));
    } catch (IOException closed) {
      return RawHttpClient.CLOSED;
    }
  }

  private static List<Integer> statuses(List<RawHttpClient> clients) throws Exception {
    List<Callable<Integer>> each = new ArrayList<>();
    clients.forEach(client -> each.add(() -> status(client)));
    return together(each);
  }

  private static <T> List<T> together(int count, Callable<T> each) throws Exception {
    return together(Collections.nCopies(count, each));
  }

  private static <T> List<T> together(List<Callable<T>> calls) throws Exception {
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<T> results = new ArrayList<>();
      for (Future<T> one : threads.invokeAll(calls)) {
        results.add(one.get());
      }
      return results;
    }
  }

  private double held() {
    String name = "luki_gateway_buffered_bytes ";
    return gateway
        .stranger()
        .get("/metrics")
        .body()
        .lines()
        .filter(line -> line.startsWith(name))
        .mapToDouble(line -> Double.parseDouble(line.substring(name.length())))
        .sum();
  }

  /** What was taken is given back once everybody has left. */
  private void assertAllIsGivenBack() throws Exception {
    for (AutoCloseable each : open) {
      if (each instanceof RawHttpClient) {
        each.close();
      }
    }
    Waiting.until(
        Duration.ofSeconds(40),
        this::held,
        // What the question itself holds.
        held -> held <= 16 * 1024);
    assertServes();
  }

  @Test
  void oneCallerAsksAHundredTimesForFiveMegabytesAndReadsNone() throws Exception {
    byte[] body = new byte[BIG];
    Arrays.fill(body, (byte) 'a');
    byte[] quoted =
        ("{\"a\":\"" + new String(body, StandardCharsets.US_ASCII) + "\"}")
            .getBytes(StandardCharsets.US_ASCII);
    start(answering("application/json", quoted));
    List<RawHttpClient> clients = together(100, () -> sent(get("/v1/engagement/metrics/bad", bad)));
    List<Integer> statuses = statuses(clients);
    assertServes();
    assertTrue(statuses.contains(200), statuses.toString());
    assertTrue(statuses.contains(503), statuses.toString());
    // 429: calls beyond the caller's share of the service.
    assertTrue(Set.of(200, 429, 503).containsAll(statuses), statuses.toString());
    long fastest = Long.MAX_VALUE;
    // A process that has just started is slower.
    for (int i = 0; i < 200 && fastest > 10_000_000; i++) {
      long before = System.nanoTime();
      assertEquals(503, status(sent(get("/v1/engagement/metrics/bad", bad))));
      fastest = Math.min(fastest, System.nanoTime() - before);
    }
    assertTrue(fastest < 10_000_000, "refused after " + fastest / 1_000_000 + " ms");
    assertAllIsGivenBack();
  }

  @Test
  void uploadsThatStopAtAHalfAreEndedAtTheRoutesDeadline() throws Exception {
    start(answering("application/json", new byte[0]));
    String head =
        "POST /v1/elr/ingest_text HTTP/1.1\r\nHost: h\r\nX-API-Key: %s\r\nContent-Length: 1000000\r\nContent-Type: application/json\r\n\r\n"
            .formatted(bad);
    String half = head + "{\"text\":\"" + "a".repeat(540_000);
    long began = System.nanoTime();
    List<RawHttpClient> clients = together(240, () -> sent(half));
    assertServes();
    // Above the pace of a slow body.
    while (System.nanoTime() - began < Duration.ofSeconds(8).toNanos()) {
      Thread.sleep(500);
      for (RawHttpClient client : clients) {
        client.sendAsFarAsTaken("a".repeat(500).getBytes(StandardCharsets.US_ASCII));
      }
      assertServes();
    }
    List<Integer> statuses = statuses(clients);
    assertTrue(statuses.contains(408), statuses.toString());
    assertEquals(
        240,
        statuses.stream().filter(s -> s == 408 || s == 503 || s == 0).count(),
        statuses.toString());
    assertTrue(System.nanoTime() - began < Duration.ofSeconds(40).toNanos());
    assertAllIsGivenBack();
  }

  @Test
  void fourThousandFiveHundredUnfinishedHeads() throws Exception {
    start(answering("application/json", new byte[0]));
    String head =
        "GET /healthz HTTP/1.1\r\nHost: h\r\nA: " + "a".repeat(7500) + "\r\nB: " + "b".repeat(7500);
    for (int i = 0; i < 4500; i++) {
      sent(head);
    }
    assertServes();
    assertAllIsGivenBack();
  }

  @Test
  void aServiceAnswersMillionsOfEmptyObjects() throws Exception {
    byte[] body = ("[" + "{},".repeat(2_700_000) + "{}]").getBytes(StandardCharsets.US_ASCII);
    start(answering("application/json", body));
    List<Integer> statuses =
        together(10, () -> status(sent(get("/v1/engagement/metrics/bad", bad))));
    assertServes();
    assertEquals(
        10, statuses.stream().filter(s -> s == 502 || s == 503).count(), statuses.toString());
    assertAllIsGivenBack();
  }

  @Test
  void eightStreamsOfFourMegabyteEventsThatNobodyReads() throws Exception {
    String event = "data: {\"token\":\"" + "a".repeat(4_000_000) + "\"}\n\n";
    start(
        connection -> {
          while (true) {
            String request = connection.readRequest();
            if (request.startsWith("POST /v1/chat/stream")) {
              connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
              while (true) {
                connection.send(event);
              }
            }
            connection.reply("200 OK", "{\"allowed\":true}");
          }
        });
    List<RawHttpClient> clients =
        together(8, () -> sent(get("/v1/chat/stream?user_id=bad&message=hello", bad)));
    List<Integer> statuses = statuses(clients);
    assertTrue(statuses.stream().allMatch(s -> s == 200 || s == 503), statuses.toString());
    for (int i = 0; i < 20; i++) {
      assertServes();
    }
    assertAllIsGivenBack();
  }

  @Test
  void oneKeyOpensTwoHundredStreams() throws Exception {
    String yaml = Files.readString(Path.of("config/gateway.yaml"));
    Path config =
        Files.writeString(
            directory.resolve("gateway.yaml"), yaml.replace("max_open: 8192", "max_open: 40"));
    start(
        connection -> {
          while (true) {
            String request = connection.readRequest();
            if (request.startsWith("POST /v1/chat/stream")) {
              connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
              connection.send("data: {\"token\":\"a\"}\n\n");
              connection.stallUntilClosed();
            }
            connection.reply("200 OK", "{\"allowed\":true}");
          }
        },
        Map.of("GATEWAY_CONFIG", config.toString()));
    String path = "/v1/chat/stream?message=hello&user_id=";
    List<Integer> statuses = together(200, () -> status(sent(get(path + "bad", bad))));
    assertEquals(10, statuses.stream().filter(s -> s == 200).count(), statuses.toString());
    assertEquals(190, statuses.stream().filter(s -> s == 429).count(), statuses.toString());
    assertEquals(200, status(sent(get(path + "good", good))));
    assertAllIsGivenBack();
  }

  @Test
  void oneCallersHundredFailuresAndSixtyBadKeysFromTheAddressOfAGoodOne() throws Exception {
    start(
        connection -> {
          while (true) {
            String request = connection.readRequest();
            String status = request.startsWith("GET /metrics/bad") ? "500 Oops" : "200 OK";
            connection.reply(status, "{\"allowed\":true}");
          }
        });
    for (int i = 0; i < 100; i++) {
      assertEquals(502, status(sent(get("/v1/engagement/metrics/bad", bad))));
    }
    assertServes();
    for (int i = 0; i < 60; i++) {
      assertEquals(401, status(sent(get(SMALL_PATH, "luki_guess" + i))));
    }
    assertEquals(429, status(sent(get(SMALL_PATH, "luki_guess"))));
    assertServes();
  }
}
