package luki.gateway.webhook;

import static luki.gateway.standin.RawUpstream.header;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import luki.gateway.json.Json;
import luki.gateway.standin.Fixture;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Calls whose results are pushed. */
@Timeout(60)
class JobsTest {
  private static final String[] SCOPES = {
    "chat:write", "reports:write", "webhooks:write", "elr:write", "consent:write"
  };
  private static final String SAID = "cherries in the garden of the grandfather";
  private static final RawUpstream.Handler ANSWER =
      (connection, _) ->
          connection.reply("200 OK", "{\"response\":\"" + SAID + "\",\"metadata\":{}}");

  @TempDir Path directory;
  @AutoClose private final Receivers receiver = new Receivers();

  private Fixture start(RawUpstream.Handler agent, String... more) throws Exception {
    Map<String, String> settings = new HashMap<>(Receivers.settings(directory));
    settings.put("API_KEYS_FILE", directory.resolve("keys.json").toString());
    for (int i = 0; i < more.length; i += 2) {
      settings.put(more[i], more[i + 1]);
    }
    return Fixture.with("AGENT_URL", agent, gateway -> gateway.with(settings));
  }

  private static Client maria(Fixture setting) {
    return setting.gateway().client(SCOPES);
  }

  private String webhook(Client client) {
    String body = "{\"url\":\"" + receiver.url() + "\"}";
    return client.post("/v1/webhooks", body).expect(201).json().at("id").string("");
  }

  private static String chat(String webhook) {
    return "{\"user_id\":\"maria_k\",\"message\":\"What did I pick?\",\"callback\":{\"webhook_id\":\""
        + webhook
        + "\"}}";
  }

  private static String begin(Client client, String webhook) {
    HttpReply reply = client.post("/v1/chat", chat(webhook)).expect(202);
    assertEquals("running", reply.json().at("state").string());
    return reply.json().at("job_id").string("");
  }

  private static Json job(Client client, String id) {
    return client.get("/v1/jobs/" + id).expect(200).json();
  }

  private static Json await(Client client, String id, String state) {
    return Waiting.until(
        () -> job(client, id), found -> found.at("state").string("").equals(state));
  }

  /** Nothing is pushed to it, until a test of it is accepted. */
  private void pause(Client client, String webhook) {
    receiver.answer("410 Gone");
    client.post("/v1/webhooks/" + webhook + "/test", null).expect(200);
  }

  private void resume(Client client, String webhook) {
    receiver.answer("200 OK");
    client.post("/v1/webhooks/" + webhook + "/test", null).expect(200);
  }

  private List<Path> results() {
    try (Stream<Path> files = Files.list(directory.resolve("hooks.results"))) {
      return files.toList();
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  private String onDisk() throws Exception {
    StringBuilder all = new StringBuilder();
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        if (file.endsWith("keys.json")) {
          continue;
        }
        all.append(Files.readString(file, StandardCharsets.ISO_8859_1));
      }
    }
    return all.toString();
  }

  @Test
  void theResultOfAChatIsPushedAndThenErased() throws Exception {
    try (Fixture setting = start(ANSWER)) {
      Client maria = maria(setting);
      String webhook = webhook(maria);
      String id = begin(maria, webhook);
      String message = receiver.await(1);
      assertEquals(id, header(message, "webhook-id"));
      Json body = Receivers.body(message);
      assertEquals("job.completed", body.at("type").string());
      Json data = body.at("data");
      assertEquals(id, data.at("job_id").string());
      assertEquals("chat", data.at("operation").string());
      assertEquals(200, data.at("status").integer().orElse(0));
      assertEquals(SAID, data.at("body").at("text").string());

      Json done = await(maria, id, "delivered");
      assertEquals(1, done.at("attempts").integer().orElse(0));
      assertTrue(done.at("result").isMissing(), done.toString());
      Waiting.until(() -> results().isEmpty());
      assertFalse(onDisk().contains("cherries"));
      assertFalse(onDisk().contains("What did I pick"));
      // Written after the job.
      Json log =
          Waiting.until(
              () -> maria.get("/v1/webhooks/" + webhook).json().at("attempts"),
              attempts -> attempts.size() == 1);
      assertEquals(id, log.at(0).at("id").string());
      // The request and the call are two requests of the same trace.
      String trace = data.at("body").pointer("/meta/trace_id").string("?");
      Waiting.until(
          () -> setting.gateway().log().stream().filter(l -> l.contains(trace)).count() == 2);
    }
  }

  @Test
  void aReportIsAJobTooAndOnlyOneWithConsent() throws Exception {
    try (Fixture setting = start(ANSWER)) {
      Client maria = maria(setting);
      String webhook = webhook(maria);
      String wanted =
          "{\"user_id\":\"maria_k\",\"window_days\":7,\"callback\":{\"webhook_id\":\""
              + webhook
              + "\"}}";
      setting.services().revoke("maria_k", "analytics");
      maria.post("/v1/reports/generate", wanted).expect(403, "CONSENT_DENIED");
      setting.services().grant("maria_k", "analytics");
      maria.post("/v1/reports/generate", wanted).expect(202);
      Json data = Receivers.body(receiver.await(1)).at("data");
      assertEquals("generateReport", data.at("operation").string());
      assertEquals("maria_k", data.at("body").at("user_id").string());
    }
  }

  @Test
  void aCallThatFailsIsAJobThatFailed() throws Exception {
    try (Fixture setting =
        start((connection, _) -> connection.reply("500 Oops", "{\"detail\":\"why\"}"))) {
      Client maria = maria(setting);
      String id = begin(maria, webhook(maria));
      Json body = Receivers.body(receiver.await(1));
      assertEquals("job.failed", body.at("type").string());
      assertEquals(502, body.at("data").at("status").integer().orElse(0));
      assertEquals("DOWNSTREAM_ERROR", body.at("data").at("body").pointer("/error/code").string());
      await(maria, id, "delivered");
    }
  }

  @Test
  void anothersWebhookAndJobAreNotThere() throws Exception {
    try (Fixture setting = start(ANSWER)) {
      Client maria = maria(setting);
      String webhook = webhook(maria);
      String id = begin(maria, webhook);
      Client other = maria(setting);
      other.get("/v1/jobs/" + id).expect(404, "NOT_FOUND");
      for (String unknown : List.of(webhook, "wh_00000000000000000000000000000000")) {
        HttpReply refused = other.post("/v1/chat", chat(unknown)).expect(400, "INVALID_REQUEST");
        assertTrue(
            refused.body().contains("{\"pointer\":\"/callback/webhook_id\",\"rule\":\"unknown\"}"));
      }
      setting.gateway().client("chat:write").get("/v1/jobs/" + id).expect(403, "FORBIDDEN");
      // The stream has no callback.
      maria
          .post("/v1/chat/stream", chat(webhook), "Accept", "text/event-stream")
          .expect(400, "INVALID_REQUEST");
    }
  }

  @Test
  void aResultThatWaitsIsEncryptedAndItsCallerCanReadIt() throws Exception {
    try (Fixture setting = start(ANSWER)) {
      Client maria = maria(setting);
      String webhook = webhook(maria);
      pause(maria, webhook);
      String id = begin(maria, webhook);
      Json waiting = await(maria, id, "pending");
      assertEquals(SAID, waiting.pointer("/result/body/text").string());
      Path file = results().getFirst();
      assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
      assertFalse(onDisk().contains("cherries"));
      assertFalse(onDisk().contains("maria_k\""), "not even whose it is");
      assertEquals(1, receiver.received().size());
      resume(maria, webhook);
      await(maria, id, "delivered");
      Waiting.until(() -> results().isEmpty());
      assertEquals(SAID, Receivers.body(receiver.await(3)).pointer("/data/body/text").string());
    }
  }

  @Test
  void aResultGoesToNobodyWhoMayNotHaveItAnyMore() throws Exception {
    try (Fixture setting = start(ANSWER)) {
      Client maria = maria(setting);
      setting.services().grant("maria_k", "elr_memories", "analytics");
      String webhook = webhook(maria);
      pause(maria, webhook);
      String report = "{\"user_id\":\"maria_k\",\"callback\":{\"webhook_id\":\"" + webhook + "\"}}";
      String consented =
          maria.post("/v1/reports/generate", report).expect(202).json().at("job_id").string("");
      await(maria, consented, "pending");
      setting.services().revoke("maria_k", "analytics");
      resume(maria, webhook);
      assertEquals("consent_withdrawn", await(maria, consented, "dropped").at("reason").string());

      pause(maria, webhook);
      String chat = begin(maria, webhook);
      await(maria, chat, "pending");
      setting.gateway().editKey(maria.key(), "scopes", "webhooks:write");
      setting.gateway().refreshKeys();
      Json lost = await(maria, chat, "dropped");
      assertEquals("access_lost", lost.at("reason").string());
      assertTrue(lost.at("result").isMissing());
      assertFalse(receiver.received().toString().contains("cherries"));
      Waiting.until(() -> results().isEmpty());
    }
  }

  @Test
  void aResultWaitsWhileNobodyKnowsWhetherTheUserConsentsAndThatIsNoAttempt() throws Exception {
    try (Fixture setting = start(ANSWER)) {
      Client maria = maria(setting);
      setting.services().grant("maria_k", "analytics");
      String webhook = webhook(maria);
      pause(maria, webhook);
      String report = "{\"user_id\":\"maria_k\",\"callback\":{\"webhook_id\":\"" + webhook + "\"}}";
      String id =
          maria.post("/v1/reports/generate", report).expect(202).json().at("job_id").string("");
      await(maria, id, "pending");
      setting.services().securityFault(true);
      setting.forget();
      resume(maria, webhook);
      Waiting.until(() -> !setting.calls("security").isEmpty());
      setting.services().securityFault(false);
      assertEquals(1, await(maria, id, "delivered").at("attempts").integer().orElse(0));
    }
  }

  @Test
  void aResultIsErasedWithItsWebhook() throws Exception {
    try (Fixture setting = start(ANSWER)) {
      Client maria = maria(setting);
      String webhook = webhook(maria);
      pause(maria, webhook);
      String id = begin(maria, webhook);
      await(maria, id, "pending");
      maria.delete("/v1/webhooks/" + webhook).expect(204);
      assertEquals("webhook_deleted", await(maria, id, "dropped").at("reason").string());
      Waiting.until(() -> results().isEmpty());
      assertEquals(1, receiver.received().size());
    }
  }

  @Test
  void aJobIsBilledOnceWhenItsCallWasMade() throws Exception {
    try (Fixture setting = start(ANSWER, "USAGE_OUTBOX", directory.resolve("usage").toString())) {
      Client maria = maria(setting);
      String webhook = webhook(maria);
      String first = begin(maria, webhook);
      await(maria, first, "delivered");
      receiver.await(1);
    }
    String usage = Files.readString(directory.resolve("usage.00000001"));
    assertEquals(1, usage.lines().count(), usage);
    assertTrue(usage.contains("\"chat_messages\":1"), usage);
  }

  @Test
  void aJobWaitsForTheRateOfItsCaller() throws Exception {
    try (Fixture setting = start(ANSWER, "RATE_LIMIT_PER_MIN", "120", "RATE_LIMIT_BURST", "4")) {
      Client maria = maria(setting);
      String webhook = webhook(maria);
      begin(maria, webhook);
      begin(maria, webhook);
      receiver.await(2);
      for (String message : receiver.received()) {
        assertEquals("job.completed", Receivers.body(message).at("type").string(), message);
      }
    }
  }

  @Test
  void aRepeatWithTheSameKeyIsTheSameJob() throws Exception {
    try (Fixture setting = start(ANSWER)) {
      Client maria = maria(setting);
      String webhook = webhook(maria);
      String first =
          maria.post("/v1/chat", chat(webhook), "Idempotency-Key", "one").expect(202).body();
      await(maria, first.replaceAll(".*\"job_id\":\"(\\w+)\".*", "$1"), "delivered");
      String repeat =
          maria.post("/v1/chat", chat(webhook), "Idempotency-Key", "one").expect(202).body();
      assertEquals(first, repeat);
      assertEquals(1, setting.faultyCalls().size());
    }
  }

  @Test
  void aCallerHasFiftyOpenJobsAtMost() throws Exception {
    try (Fixture setting = start(ANSWER)) {
      Client maria = maria(setting);
      String webhook = webhook(maria);
      pause(maria, webhook);
      String last = "";
      for (int i = 0; i < Jobs.MAX_OPEN_OF_OWNER; i++) {
        last = begin(maria, webhook);
      }
      HttpReply refused = maria.post("/v1/chat", chat(webhook)).expect(429, "RATE_LIMITED");
      assertTrue(refused.header("Retry-After").isPresent());
      Client other = maria(setting);
      begin(other, webhook(other));
      await(maria, last, "pending");
      assertTrue(Double.parseDouble(setting.gateway().metric("luki_gateway_jobs_open")) >= 50);
    }
  }

  @Test
  void aResultThatIsTooLongFailsItsJob() throws Exception {
    String much = "x".repeat(1 << 20);
    try (Fixture setting =
        start((connection, _) -> connection.reply("200 OK", "{\"response\":\"" + much + "\"}"))) {
      Client maria = maria(setting);
      String id = begin(maria, webhook(maria));
      assertEquals("job.failed", Receivers.body(receiver.await(1)).at("type").string());
      assertEquals("too_long", await(maria, id, "delivered").at("reason").string());
    }
  }

  @Test
  void aCallThatAStopInterruptedHasFailedAndIsNotMadeAgain() throws Exception {
    CountDownLatch called = new CountDownLatch(1);
    String key;
    String id;
    try (Fixture setting =
        start(
            (connection, _) -> {
              called.countDown();
              connection.stallUntilClosed();
            })) {
      key = setting.gateway().key(List.of("maria_k"), SCOPES);
      Client maria = setting.withKey(key);
      id = begin(maria, webhook(maria));
      called.await();
    }
    try (Fixture setting = start(ANSWER)) {
      Json body = Receivers.body(receiver.await(1));
      assertEquals("job.failed", body.at("type").string());
      assertEquals(id, body.at("data").at("job_id").string());
      Json job = await(setting.withKey(key), id, "delivered");
      assertEquals("interrupted", job.at("reason").string());
      assertEquals(List.of(), setting.faultyCalls());
    }
  }

  @Test
  void aResultOnTheDiskIsDeliveredThoughItsStateCannotBeWrittenForAWhile() throws Exception {
    CountDownLatch called = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    try (Fixture setting =
        start(
            (connection, request) -> {
              called.countDown();
              release.await();
              ANSWER.handle(connection, request);
            })) {
      Client maria = maria(setting);
      String id = begin(maria, webhook(maria));
      called.await();
      Path blocked = directory.resolve("hooks.states/" + id + ".new");
      Files.createDirectories(blocked.resolve("full"));
      release.countDown();
      Waiting.until(() -> results().size() == 1);
      assertEquals("running", job(maria, id).at("state").string());
      Path _ = Files.move(blocked, directory.resolve("unblocked"));
      assertEquals(SAID, Receivers.body(receiver.await(1)).pointer("/data/body/text").string());
      await(maria, id, "delivered");
    }
  }

  @Test
  void whatWasNotDeliveredIsDeliveredAfterARestart() throws Exception {
    String key;
    String id;
    receiver.answer("500 Oops");
    try (Fixture setting = start(ANSWER)) {
      key = setting.gateway().key(List.of("maria_k"), SCOPES);
      Client maria = setting.withKey(key);
      id = begin(maria, webhook(maria));
      Waiting.until(() -> job(maria, id).at("attempts").integer().orElse(0) == 1);
    }
    receiver.answer("200 OK");
    try (Fixture setting = start(ANSWER)) {
      await(setting.withKey(key), id, "delivered");
      assertEquals(SAID, Receivers.body(receiver.await(2)).pointer("/data/body/text").string());
    }
  }

  @Test
  void aReceiverThatNeverAnswersDelaysNobodyElse() throws Exception {
    try (Fixture setting = start(ANSWER);
        RawUpstream silent = RawUpstream.start(RawUpstream.RawConnection::stallUntilClosed)) {
      Client slow = maria(setting);
      String stuck =
          slow.post("/v1/webhooks", "{\"url\":\"" + silent.url() + "\"}")
              .expect(201)
              .json()
              .at("id")
              .string("");
      for (int i = 0; i < 10; i++) {
        begin(slow, stuck);
      }
      int atOnce = Waiting.until(silent::connections, count -> count >= 4);
      assertEquals(4, atOnce, "pushes at once to one caller's webhooks");
      Client maria = maria(setting);
      await(maria, begin(maria, webhook(maria)), "delivered");
    }
  }
}
