package luki.gateway.webhook;

import static luki.gateway.standin.RawUpstream.header;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import luki.gateway.json.Json;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Webhooks as their callers see them. */
@Timeout(60)
class WebhooksTest {
  private static final String ALL = "/v1/webhooks";
  private static final String SCOPE = "webhooks:write";

  @TempDir Path directory;
  @AutoClose private final Receivers receiver = new Receivers();

  private TestGateway gateway() throws Exception {
    return TestGateway.start(Receivers.settings(directory));
  }

  private Json create(Client client) {
    return client.post(ALL, "{\"url\":\"" + receiver.url() + "\"}").expect(201).json();
  }

  private static String pathOf(Json webhook) {
    return ALL + "/" + webhook.at("id").string("");
  }

  private String onDisk() throws Exception {
    StringBuilder all = new StringBuilder();
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        if (!file.endsWith("key")) {
          all.append(Files.readString(file, StandardCharsets.ISO_8859_1));
        }
      }
    }
    return all.toString();
  }

  @Test
  void aWebhookIsMadeListedReadAndRemoved() throws Exception {
    try (TestGateway gateway = gateway()) {
      Client maria = gateway.client(SCOPE);
      assertEquals("{\"webhooks\":[]}", maria.get(ALL).expect(200).body());
      Json made = create(maria);
      assertEquals(receiver.url(), made.at("url").string());
      String secret = made.at("secret").string("");
      assertTrue(secret.matches("whsec_[A-Za-z0-9+/]{43}="), secret);

      HttpReply read = maria.get(pathOf(made)).expect(200);
      HttpReply list = maria.get(ALL).expect(200);
      for (HttpReply reply : List.of(read, list)) {
        assertTrue(reply.body().contains(receiver.url()), reply.body());
        assertFalse(reply.body().contains("secret"), reply.body());
        assertEquals("no-store", reply.only("Cache-Control"));
      }
      maria.delete(pathOf(made)).expect(204);
      maria.get(pathOf(made)).expect(404, "NOT_FOUND");
      maria.delete(pathOf(made)).expect(404, "NOT_FOUND");
      assertEquals("{\"webhooks\":[]}", maria.get(ALL).expect(200).body());
    }
  }

  @Test
  void anothersWebhookIsNotThere() throws Exception {
    try (TestGateway gateway = gateway()) {
      Json made = create(gateway.client(SCOPE));
      Client other = gateway.client(SCOPE);
      assertEquals("{\"webhooks\":[]}", other.get(ALL).expect(200).body());
      other.get(pathOf(made)).expect(404, "NOT_FOUND");
      other.post(pathOf(made) + "/test", null).expect(404, "NOT_FOUND");
      other.post(pathOf(made) + "/rotate", null).expect(404, "NOT_FOUND");
      other.delete(pathOf(made)).expect(404, "NOT_FOUND");
      gateway.client("chat:write").get(pathOf(made)).expect(403, "FORBIDDEN");
      gateway.stranger().get(ALL).expect(401, "UNAUTHENTICATED");
      assertEquals(List.of(), receiver.received());
    }
  }

  @Test
  void anAddressWithinTheNetworkIsRefused() throws Exception {
    try (TestGateway gateway = gateway()) {
      Client maria = gateway.client(SCOPE);
      for (String url :
          List.of(
              "https://10.0.0.1/hook",
              "https://[fd00::1]/hook",
              "https://169.254.169.254/latest/meta-data",
              "https://user@app.example/",
              "gopher://app.example/")) {
        HttpReply reply = maria.post(ALL, "{\"url\":\"" + url + "\"}");
        reply.expect(400, "INVALID_REQUEST");
        assertTrue(reply.body().contains("{\"pointer\":\"/url\",\"rule\":\"address\"}"));
        assertFalse(reply.body().contains(url), reply.body());
      }
    }
  }

  @Test
  void aCallerHasTenWebhooksAtMost() throws Exception {
    try (TestGateway gateway = gateway()) {
      Client maria = gateway.client(SCOPE);
      Json first = create(maria);
      for (int i = 1; i < 10; i++) {
        create(maria);
      }
      String wanted = "{\"url\":\"" + receiver.url() + "\"}";
      HttpReply refused = maria.post(ALL, wanted).expect(400, "INVALID_REQUEST");
      assertTrue(refused.body().contains("\"rule\":\"too_many\""), refused.body());
      create(gateway.client(SCOPE));
      maria.delete(pathOf(first)).expect(204);
      create(maria);
    }
  }

  @Test
  void aTestIsSignedOnceAndAfterARotationTwice() throws Exception {
    try (TestGateway gateway = gateway()) {
      Client maria = gateway.client(SCOPE);
      Json made = create(maria);
      HttpReply tested = maria.post(pathOf(made) + "/test", null).expect(200);
      assertEquals(204, tested.json().at("status").integer().orElse(0));
      String first = receiver.await(1);
      assertTrue(first.startsWith("POST /hook HTTP/1.1\r\n"), first);
      assertEquals("application/json", header(first, "content-type"));
      assertEquals("webhook.test", Receivers.body(first).at("type").string());
      assertEquals(tested.json().at("id").string(), header(first, "webhook-id"));
      long age =
          Instant.now().getEpochSecond() - Long.parseLong(header(first, "webhook-timestamp"));
      assertTrue(Math.abs(age) < 60, age + " s");
      String old = made.at("secret").string("");
      assertEquals(Receivers.signature(first, old), header(first, "webhook-signature"));

      Json rotated = maria.post(pathOf(made) + "/rotate", null).expect(200).json();
      String fresh = rotated.at("secret").string("");
      assertFalse(fresh.equals(old));
      Duration both =
          Duration.between(
              Instant.now(), Instant.parse(rotated.at("previous_valid_until").string("")));
      assertTrue(both.compareTo(Duration.ofHours(23)) > 0 && both.toHours() <= 24, both::toString);
      maria.post(pathOf(made) + "/test", null).expect(200);
      String second = receiver.await(2);
      assertEquals(
          Receivers.signature(second, fresh) + " " + Receivers.signature(second, old),
          header(second, "webhook-signature"));

      Json log = maria.get(pathOf(made)).expect(200).json().at("attempts");
      assertEquals(2, log.size());
      assertEquals(header(second, "webhook-id"), log.at(1).at("id").string());
      assertEquals(204, log.at(1).at("status").integer().orElse(0));
    }
  }

  @Test
  void aReceiverThatIsGonePausesAndATestThatIsAcceptedEndsThat() throws Exception {
    try (TestGateway gateway = gateway()) {
      Client maria = gateway.client(SCOPE);
      Json made = create(maria);
      receiver.answer("410 Gone");
      maria.post(pathOf(made) + "/test", null).expect(200);
      assertEquals("gone", maria.get(pathOf(made)).json().at("paused").string());
      receiver.answer("500 Oops");
      maria.post(pathOf(made) + "/test", null).expect(200);
      assertEquals("gone", maria.get(pathOf(made)).json().at("paused").string());
      receiver.answer("200 OK");
      maria.post(pathOf(made) + "/test", null).expect(200);
      assertTrue(maria.get(pathOf(made)).json().at("paused").isMissing());
    }
  }

  @Test
  void aRedirectIsNotFollowed() throws Exception {
    try (TestGateway gateway = gateway();
        RawUpstream inside = RawUpstream.answering(RawUpstream.EMPTY_OBJECT)) {
      Client maria = gateway.client(SCOPE);
      Json made = create(maria);
      receiver.answer("307 Temporary Redirect\r\nLocation: " + inside.url() + "/");
      Json attempt = maria.post(pathOf(made) + "/test", null).expect(200).json();
      assertEquals(307, attempt.at("status").integer().orElse(0));
      assertEquals(0, inside.connections());
    }
  }

  @Test
  void aReplyWithoutEndHoldsNothingUp() throws Exception {
    try (TestGateway gateway = gateway();
        RawUpstream endless =
            RawUpstream.start(
                connection -> {
                  connection.readRequest();
                  connection.send("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n");
                  byte[] much = new byte[1 << 16];
                  while (true) {
                    connection.send(much);
                  }
                })) {
      Client maria = gateway.client(SCOPE);
      Json made = maria.post(ALL, "{\"url\":\"" + endless.url() + "\"}").expect(201).json();
      Json attempt = maria.post(pathOf(made) + "/test", null).expect(200).json();
      assertEquals(200, attempt.at("status").integer().orElse(0));
      endless.awaitClosed();
    }
  }

  @Test
  void aReplyThatStallsIsNotWaitedFor() throws Exception {
    try (TestGateway gateway = gateway();
        RawUpstream stalling =
            RawUpstream.start(
                connection -> {
                  connection.readRequest();
                  connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n");
                  connection.send(new byte[960 << 10]);
                  connection.stallUntilClosed();
                })) {
      Client maria = gateway.client(SCOPE);
      Json made = maria.post(ALL, "{\"url\":\"" + stalling.url() + "\"}").expect(201).json();
      Json attempt = maria.post(pathOf(made) + "/test", null).expect(200).json();
      assertEquals(200, attempt.at("status").integer().orElse(0));
      assertTrue(attempt.at("latency_ms").integer().orElse(0) < 10_000, attempt.toString());
    }
  }

  @Test
  void aCallerHasFourTestsAtOnceAtMost() throws Exception {
    CountDownLatch tested = new CountDownLatch(1);
    try (TestGateway gateway = gateway();
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
        RawUpstream silent =
            RawUpstream.start(
                connection -> {
                  connection.readRequest();
                  tested.await();
                  connection.send("HTTP/1.1 204 No Content\r\n\r\n");
                })) {
      Client maria = gateway.client(SCOPE);
      Json made = maria.post(ALL, "{\"url\":\"" + silent.url() + "\"}").expect(201).json();
      for (int i = 0; i < 4; i++) {
        threads.execute(() -> maria.post(pathOf(made) + "/test", null));
      }
      Waiting.until(() -> silent.connections() == 4);
      HttpReply refused = maria.post(pathOf(made) + "/test", null).expect(429, "RATE_LIMITED");
      assertTrue(refused.header("Retry-After").isPresent());
      Client other = gateway.client(SCOPE);
      other.post(pathOf(create(other)) + "/test", null).expect(200);
      tested.countDown();
      threads.shutdown();
      assertTrue(threads.awaitTermination(20, TimeUnit.SECONDS));
      maria.post(pathOf(create(maria)) + "/test", null).expect(200);
    }
  }

  @Test
  void aChangeThatCannotBeWrittenIsNotInForceAndARemovalCanBeRepeated() throws Exception {
    try (TestGateway gateway = gateway()) {
      Client maria = gateway.client(SCOPE);
      Json removed = create(maria);
      Json rotated = create(maria);
      Path states = directory.resolve("hooks.states");
      Path state = states.resolve(removed.at("id").string(""));
      Path moved = Files.move(state, directory.resolve("moved"));
      Path full = Files.createDirectories(state.resolve("full"));
      Path next = states.resolve(rotated.at("id").string("") + ".new");
      Path taken = Files.createDirectories(next.resolve("full"));
      for (int i = 0; i < 2; i++) {
        maria.delete(pathOf(removed)).expect(503, "OVERLOADED");
        maria.post(pathOf(rotated) + "/rotate", null).expect(503, "OVERLOADED");
      }
      assertEquals(2, maria.get(ALL).json().at("webhooks").size());
      Path elsewhere = Files.move(states, directory.resolve("elsewhere"));
      String wanted = "{\"url\":\"" + receiver.url() + "\"}";
      maria.post(ALL, wanted).expect(503, "OVERLOADED");
      Files.move(elsewhere, states);
      assertEquals(2, maria.get(ALL).json().at("webhooks").size());
      Files.delete(full);
      Files.delete(state);
      Files.move(moved, state);
      Files.delete(taken);
      Files.delete(next);
      maria.delete(pathOf(removed)).expect(204);
      maria.delete(pathOf(removed)).expect(404);
      maria.post(pathOf(rotated) + "/test", null).expect(200);
      String message = receiver.await(1);
      assertEquals(
          Receivers.signature(message, rotated.at("secret").string("")),
          header(message, "webhook-signature"));
    }
  }

  @Test
  void theyAreThereAfterARestartAndUnreadableOnTheDisk() throws Exception {
    String key;
    Json made;
    Path keys = directory.resolve("keys.json");
    Map<String, String> settings = new HashMap<>(Receivers.settings(directory));
    settings.put("API_KEYS_FILE", keys.toString());
    try (TestGateway gateway = TestGateway.start(settings)) {
      key = gateway.key(List.of("maria_k"), SCOPE);
      Client maria = new Client(gateway, key);
      made = create(maria);
      maria.post(pathOf(made) + "/test", null).expect(200);
    }
    String disk = onDisk();
    for (String secret : List.of(made.at("secret").string(""), receiver.url(), "webhook.test")) {
      assertFalse(disk.contains(secret), secret);
    }
    Path state = directory.resolve("hooks.states").resolve(made.at("id").string(""));
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(state)));
    assertEquals(
        "rwx------",
        PosixFilePermissions.toString(Files.getPosixFilePermissions(state.getParent())));
    try (TestGateway gateway = TestGateway.start(settings)) {
      Client maria = new Client(gateway, key);
      assertEquals(1, maria.get(pathOf(made)).expect(200).json().at("attempts").size());
      maria.post(pathOf(made) + "/test", null).expect(200);
      String message = receiver.await(2);
      assertEquals(
          Receivers.signature(message, made.at("secret").string("")),
          header(message, "webhook-signature"));
      maria.delete(pathOf(made)).expect(204);
      // Its secret is not left behind, not even encrypted.
      assertFalse(Files.exists(state));
    }
    try (TestGateway gateway = TestGateway.start(settings)) {
      new Client(gateway, key).get(pathOf(made)).expect(404);
    }
  }

  @Test
  void withAnotherKeyTheProcessDoesNotStart() throws Exception {
    Map<String, String> settings = Receivers.settings(directory);
    try (TestGateway gateway = TestGateway.start(settings)) {
      create(gateway.client(SCOPE));
    }
    Files.writeString(directory.resolve("key"), "another key, of thirty-two bytes or more");
    IllegalArgumentException refused =
        assertThrows(IllegalArgumentException.class, () -> TestGateway.start(settings));
    assertTrue(refused.getMessage().contains("WEBHOOKS_KEY_PATH"), refused.getMessage());
    Map<String, String> noKey = Map.of("WEBHOOKS_PATH", settings.get("WEBHOOKS_PATH"));
    refused = assertThrows(IllegalArgumentException.class, () -> TestGateway.start(noKey));
    assertTrue(refused.getMessage().contains("needs WEBHOOKS_KEY_PATH"), refused.getMessage());
  }

  @Test
  void switchedOffNothingOfThemIsThere() {
    try (TestGateway gateway = TestGateway.start(Map.of())) {
      Client maria = gateway.client("chat:write", "reports:write");
      maria.get(ALL).expect(404, "NOT_FOUND");
      maria.post(ALL, "{\"url\":\"https://app.example/\"}").expect(404, "NOT_FOUND");
      maria.get("/v1/jobs/job_00000000000000000000000000000000").expect(404, "NOT_FOUND");
      String callback = "\"callback\":{\"webhook_id\":\"wh_00000000000000000000000000000000\"}";
      maria
          .post("/v1/chat", "{\"user_id\":\"maria_k\",\"message\":\"a\"," + callback + "}")
          .expect(400, "INVALID_REQUEST");
      maria
          .post("/v1/reports/generate", "{\"user_id\":\"maria_k\"," + callback + "}")
          .expect(400, "INVALID_REQUEST");
      String published = maria.get("/openapi.json").expect(200).body();
      assertFalse(published.contains("callback"), "in the published contract");
      assertFalse(published.contains("/v1/webhooks"), "in the published contract");
      assertFalse(published.contains("x-gateway"), "in the published contract");
    }
  }
}
