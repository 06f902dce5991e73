package luki.gateway.rollout;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import luki.gateway.http.Upstream;
import luki.gateway.http.UpstreamVersion;
import luki.gateway.rollout.RolloutState.Cause;
import luki.gateway.rollout.RolloutState.Share;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.Processes;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Unchecked;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The versions of a service, from outside. */
class RolloutTest {
  private static final String PHASES = "/v1/cognitive/life-story/phases";
  private static final UpstreamVersion CANARY = new UpstreamVersion("canary");
  private static final UpstreamVersion GREEN = new UpstreamVersion("green");

  private final AtomicReference<String> statusOfCanary = new AtomicReference<>("200 OK");
  private RawUpstream stable;
  private RawUpstream canary;
  private RawUpstream green;
  private TestGateway gateway;

  @BeforeEach
  void start() {
    stable = RawUpstream.replying("200 OK", "{\"from\":\"stable\"}");
    green = RawUpstream.replying("200 OK", "{\"from\":\"green\"}");
    canary =
        RawUpstream.serving(
            (connection, _) -> connection.reply(statusOfCanary.get(), "{\"from\":\"canary\"}"));
    gateway =
        gateway("versions: {canary: \"" + canary.url() + "\", green: \"" + green.url() + "\"}");
  }

  private TestGateway gateway(String versions) {
    return TestGateway.builder()
        .with("COG_URL", stable.url())
        .yaml("cognitive:\n    connect: 1s", "cognitive:\n    " + versions + "\n    connect: 1s")
        .start();
  }

  @AfterEach
  void stop() {
    gateway.close();
    stable.close();
    canary.close();
    green.close();
  }

  private RolloutFile file() {
    return new RolloutFile(gateway.directory().resolve("rollout.json"));
  }

  /** As the command line does, and the gateway sees it at once. */
  private void set(Map<UpstreamVersion, Share> shares) {
    set(Upstream.COGNITIVE, shares);
  }

  private void set(Upstream who, Map<UpstreamVersion, Share> shares) {
    RolloutState _ =
        Unchecked.get(
            () ->
                file()
                    .change(
                        who, before -> before.with(shares, Cause.SET, "tester", Instant.now())));
    gateway.refreshKeys();
  }

  private void set(UpstreamVersion version, int percent) {
    set(Map.of(version, new Share(percent, 0)));
  }

  private List<Client> callers(int count, String... scopes) {
    return IntStream.range(0, count)
        .mapToObj(i -> new Client(gateway, gateway.key(List.of("u" + i), scopes)))
        .toList();
  }

  private static String versionOf(Client caller) {
    return caller.get(PHASES).expect(200).json().at("from").string("");
  }

  private static List<String> versionsOf(List<Client> callers) {
    return callers.stream().map(RolloutTest::versionOf).toList();
  }

  @Test
  void aCallerKeepsItsVersionAndALargerShareMovesCallersOnlyFromTheStableOne() {
    List<Client> callers = callers(60, "cognitive:read");
    assertEquals(List.of("stable"), versionsOf(callers).stream().distinct().toList());
    set(CANARY, 20);
    List<String> before = versionsOf(callers);
    assertTrue(before.contains("stable") && before.contains("canary"), before.toString());
    assertEquals(before, versionsOf(callers));
    set(CANARY, 50);
    List<String> more = versionsOf(callers);
    set(GREEN, 50);
    List<String> all = versionsOf(callers);
    for (int i = 0; i < callers.size(); i++) {
      assertTrue(before.get(i).equals("stable") || more.get(i).equals("canary"), "moved back");
      assertTrue(more.get(i).equals("stable") || all.get(i).equals("canary"), "moved between");
    }
    assertFalse(all.contains("stable"), all.toString());
    assertEquals(
        "50.0",
        gateway.metric(
            "luki_gateway_upstream_version_percent{upstream=\"cognitive\",version=\"green\"}"));
  }

  @Test
  void theFieldThatNamesAVersionNeedsItsScope() {
    Client plain = gateway.client("cognitive:read");
    Client tester = gateway.client("cognitive:read", "ops:canary");
    plain.get(PHASES, "X-Luki-Version", "canary").expect(403, "FORBIDDEN");
    plain.get(PHASES, "X-Luki-Version", "stable").expect(403, "FORBIDDEN");
    assertEquals(0, stable.requests().stream().filter(it -> it.contains("life-story")).count());
    HttpReply forced = tester.get(PHASES, "X-Luki-Version", "canary").expect(200);
    assertEquals("canary", forced.json().at("from").string(""));
    tester.get(PHASES, "X-Luki-Version", "blue").expect(400, "INVALID_REQUEST");
    tester.get(PHASES, "X-Luki-Version", "../x").expect(400, "INVALID_REQUEST");
    set(CANARY, 100);
    assertEquals("canary", versionOf(plain));
    HttpReply back = tester.get(PHASES, "X-Luki-Version", "stable").expect(200);
    assertEquals("stable", back.json().at("from").string(""));
    List<String> log = gateway.awaitLog(7);
    assertTrue(log.get(2).contains("\"upstream_version\":\"canary\""), log.get(2));
    assertTrue(log.get(6).contains("\"upstream_version\":\"stable\""), log.get(6));
  }

  @Test
  void withoutVersionsTheFieldHasNoMeaningAndTheLogNoVersion() {
    gateway.close();
    gateway = TestGateway.builder().with("COG_URL", stable.url()).start();
    Client plain = gateway.client("cognitive:read");
    plain.get(PHASES, "X-Luki-Version", "canary").expect(200);
    assertFalse(gateway.awaitLog(1).getFirst().contains("upstream_version"));
    assertFalse(Files.exists(gateway.directory().resolve("rollout.json")));
  }

  @Test
  void noRequestIsLostWhileVersionsArePromotedAndAborted() throws Exception {
    List<Client> callers = callers(8, "cognitive:read");
    AtomicBoolean done = new AtomicBoolean();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Integer>> calls = new ArrayList<>();
      for (Client caller : callers) {
        calls.add(
            threads.submit(
                () -> {
                  int count = 0;
                  while (!done.get()) {
                    caller.get(PHASES).expect(200);
                    count++;
                  }
                  return count;
                }));
      }
      for (int i = 0; i < 30; i++) {
        set(CANARY, 50);
        set(CANARY, 100);
        set(CANARY, 0);
        if (i % 10 == 0) {
          gateway.reload();
        }
      }
      done.set(true);
      for (Future<Integer> count : calls) {
        assertTrue(count.get() > 0);
      }
    }
    assertTrue(canary.calls().size() > 10);
  }

  @Test
  void aVersionThatFailsMoreOftenLosesItsCallersAndTheFileSaysWhy() throws Exception {
    statusOfCanary.set("500 Internal Server Error");
    List<Client> callers = callers(40, "cognitive:read");
    set(CANARY, 40);
    String aborts =
        "luki_gateway_upstream_version_aborts_total"
            + "{cause=\"errors\",upstream=\"cognitive\",version=\"canary\"}";
    assertEquals("0.0", gateway.metric(aborts));
    Waiting.until(
        () -> {
          callers.forEach(caller -> caller.get(PHASES));
          return gateway.metric(aborts).equals("1.0");
        });
    assertEquals(List.of("stable"), versionsOf(callers).stream().distinct().toList());
    RolloutState written =
        Waiting.until(
            () -> states().get(Upstream.COGNITIVE), state -> state.cause() == Cause.ERRORS);
    assertEquals(Share.NOTHING, written.of(CANARY));
    assertEquals("gateway", written.by());
    gateway.refreshKeys();
    gateway.reload();
    assertEquals(List.of("stable"), versionsOf(callers).stream().distinct().toList());
  }

  private Map<Upstream, RolloutState> states() throws IOException {
    return new TreeMap<>(file().read());
  }

  @Test
  void anAbortLastsThoughTheFileCannotBeWritten() throws Exception {
    statusOfCanary.set("500 Internal Server Error");
    List<Client> callers = callers(40, "cognitive:read");
    set(CANARY, 40);
    // A directory where the lock file should be.
    Files.delete(gateway.directory().resolve("rollout.json.lock"));
    Files.createDirectory(gateway.directory().resolve("rollout.json.lock"));
    Waiting.until(
        () -> callers.stream().map(caller -> caller.get(PHASES).status()).toList(),
        all -> all.stream().allMatch(status -> status == 200));
    gateway.refreshKeys();
    assertEquals(List.of("stable"), versionsOf(callers).stream().distinct().toList());
    assertEquals(40, states().get(Upstream.COGNITIVE).of(CANARY).percent());
  }

  @Test
  void aFileThatIsBrokenOrHasVanishedChangesNothing() throws Exception {
    Client caller = gateway.client("cognitive:read");
    set(CANARY, 100);
    for (String broken :
        List.of(
            "{",
            "{\"services\":[]}",
            "{\"services\":{\"cognitive\":{\"versions\":{\"canary\":{\"percent\":101}}}}}")) {
      Files.writeString(file().path(), broken);
      gateway.refreshKeys();
      assertEquals("canary", versionOf(caller));
    }
    Files.delete(file().path());
    gateway.refreshKeys();
    assertEquals("canary", versionOf(caller));
    // What is there and cannot be opened.
    Files.createSymbolicLink(file().path(), file().path());
    assertThrows(IOException.class, () -> file().read());
    gateway.refreshKeys();
    assertEquals("canary", versionOf(caller));
    Files.delete(file().path());
    set(CANARY, 0);
    assertEquals("stable", versionOf(caller));
  }

  @Test
  void aShareOfGetsIsMirroredAndNobodyWaitsForIt() {
    Client caller = gateway.client("cognitive:read", "cognitive:write");
    set(Map.of(CANARY, new Share(0, 50)));
    for (int i = 0; i < 20; i++) {
      assertEquals("stable", versionOf(caller));
    }
    Waiting.until(() -> mirrored("answered").equals("10.0"));
    assertTrue(
        canary.calls().stream()
            .allMatch(
                request ->
                    request.startsWith("GET ")
                        && RawUpstream.header(request, "X-Luki-Mirror").equals("1")));
    int before = canary.calls().size();
    caller.post("/v1/cognitive/memories/search", "{\"user_id\":\"maria_k\",\"query\":\"x\"}");
    assertEquals(before, canary.calls().size());
  }

  private String mirrored(String outcome) {
    return gateway.metric(
        "luki_gateway_mirrored_calls_total{outcome=\""
            + outcome
            + "\",upstream=\"cognitive\",version=\"canary\"}");
  }

  @Test
  void moreMirroredCallsThanAreAllowedAreDropped() {
    try (RawUpstream silent = RawUpstream.start(RawUpstream.RawConnection::stallUntilClosed)) {
      gateway.close();
      gateway = gateway("versions: {canary: \"" + silent.url() + "\"}");
      set(Map.of(CANARY, new Share(0, 100)));
      Client caller = gateway.client("cognitive:read");
      Waiting.until(
          () -> {
            assertEquals("stable", versionOf(caller));
            return !mirrored("dropped").equals("0.0");
          });
      assertTrue(silent.connections() < 40, silent.connections() + " connections");
      Waiting.until(() -> !mirrored("failed").equals("0.0"));
    }
  }

  /** A stream is judged by its end, not by its status. */
  @Test
  void aVersionWhoseStreamsBreakLosesItsCallers() {
    gateway.close();
    String type = "text/event-stream";
    byte[] token = "data: {\"token\": \"Hi\"}\n\n".getBytes(StandardCharsets.UTF_8);
    byte[] done = "data: {\"done\": true}\n\n".getBytes(StandardCharsets.UTF_8);
    try (RawUpstream whole =
            RawUpstream.start(RawUpstream.stream("200 OK", type, List.of(token, done), "eof"));
        RawUpstream broken =
            RawUpstream.start(RawUpstream.stream("200 OK", type, List.of(token), "eof"))) {
      gateway =
          TestGateway.builder()
              .with("AGENT_URL", whole.url())
              .yaml(
                  "agent:\n    connect: 1s",
                  "agent:\n    versions: {canary: \"" + broken.url() + "\"}\n    connect: 1s")
              .start();
      set(Upstream.AGENT, Map.of(CANARY, new Share(40, 0)));
      List<String> keys = new ArrayList<>();
      IntStream.range(0, 30).forEach(i -> keys.add(gateway.key(List.of("maria_k"), "chat:write")));
      Waiting.until(
          () -> {
            for (String key : keys) {
              new Client(gateway, key)
                  .post("/v1/chat/stream", "{\"user_id\":\"maria_k\",\"message\":\"Hi\"}")
                  .expect(200);
            }
            return states().get(Upstream.AGENT).cause() == Cause.ERRORS;
          });
      assertTrue(
          gateway.log().stream()
              .anyMatch(line -> line.contains("\"upstream_version\":\"canary\"")));
    }
  }

  @Test
  void aVersionThatIsAddedByAReloadGetsItsShare() {
    gateway.close();
    gateway = gateway("versions: {canary: \"" + Processes.unusedUrl() + "\"}");
    Client caller = gateway.client("cognitive:read");
    set(CANARY, 100);
    caller.get(PHASES).expect(502, "DOWNSTREAM_UNAVAILABLE");
    gateway.edit("canary: \"http", "blue: \"" + green.url() + "\", canary: \"http");
    gateway.reload();
    set(Map.of(CANARY, Share.NOTHING, new UpstreamVersion("blue"), new Share(100, 0)));
    assertEquals("green", versionOf(caller));
  }
}
