package luki.gateway.webhook;

import static luki.gateway.standin.RawUpstream.header;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.time.Clock;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import luki.gateway.http.Scope;
import luki.gateway.keys.ApiKeyAdmin;
import luki.gateway.keys.KeyEntry;
import luki.gateway.keys.KeyFile;
import luki.gateway.keys.KeyedHash;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.Client;
import luki.gateway.testing.GatewayProcess;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A process that is killed while results wait for their delivery. */
@Timeout(120)
class CrashTest {
  private static final String PEPPER = "a pepper that only this test knows, long enough";
  private static final int ANSWERED = 16;
  private static final int HANGING = 3;

  @TempDir Path directory;
  private final AtomicInteger calls = new AtomicInteger();
  private final AtomicInteger pushes = new AtomicInteger();
  private final Map<String, String> accepted = new ConcurrentHashMap<>();
  private final Set<String> repeated = ConcurrentHashMap.newKeySet();
  private volatile int mostAccepted = ANSWERED / 2;

  /** An agent that answers the first chats, and then none any more. */
  @AutoClose
  private final RawUpstream agent =
      RawUpstream.serving(
          (connection, request) -> {
            if (!request.startsWith("POST")) {
              connection.reply("200 OK", "{}");
            } else if (calls.incrementAndGet() <= ANSWERED) {
              connection.reply("200 OK", "{\"response\":\"Hello\",\"metadata\":{}}");
            } else {
              connection.stallUntilClosed();
            }
          });

  /** Accepts half of the results, and refuses the others until the process has crashed. */
  @AutoClose
  private final RawUpstream receiver =
      RawUpstream.start(
          connection -> {
            String message = connection.readRequest();
            if (pushes.incrementAndGet() > mostAccepted) {
              connection.reply("503 Later", "{}");
              return;
            }
            String id = header(message, "webhook-id");
            String type = Receivers.body(message).at("type").string("");
            if (accepted.put(id, type) != null) {
              repeated.add(id);
            }
            connection.reply("200 OK", "{}");
          });

  private GatewayProcess start() throws Exception {
    Map<String, String> settings = new HashMap<>(Receivers.settings(directory));
    settings.put("AGENT_URL", agent.url());
    settings.put("API_KEY_PEPPER", PEPPER);
    settings.put("RATE_LIMIT_PER_MIN", "0");
    return GatewayProcess.start(directory, List.of(), settings);
  }

  private String key() throws Exception {
    ApiKeyAdmin.Wanted wanted =
        new ApiKeyAdmin.Wanted(
            "tester",
            Set.of(new Scope("chat:write"), new Scope("webhooks:write")),
            Set.of(),
            KeyEntry.usersOf(List.of("maria_k"), "tester"),
            null,
            null);
    KeyFile file = new KeyFile(directory.resolve("keys.json"));
    return new ApiKeyAdmin(file, KeyedHash.ofPepper(PEPPER), Clock.systemUTC())
        .create(wanted)
        .reveal();
  }

  private static String state(Client client, String job) {
    return client.get("/v1/jobs/" + job).expect(200).json().at("state").string("");
  }

  private static Set<String> in(Client client, Set<String> jobs, String state) {
    return jobs.stream()
        .filter(job -> state(client, job).equals(state))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void everyResultIsDeliveredAndNoneAgainAfterItsSuccessWasRecorded() throws Exception {
    String key = key();
    Set<String> jobs = new HashSet<>();
    Set<String> delivered;
    try (GatewayProcess gateway = start()) {
      Client maria = new Client("http://127.0.0.1:" + gateway.port(), key);
      String url = "{\"url\":\"" + receiver.url() + "/hook\"}";
      String webhook = maria.post("/v1/webhooks", url).expect(201).json().at("id").string("");
      String chat =
          "{\"user_id\":\"maria_k\",\"message\":\"a\",\"callback\":{\"webhook_id\":\"%s\"}}"
              .formatted(webhook);
      for (int i = 0; i < ANSWERED + HANGING; i++) {
        jobs.add(maria.post("/v1/chat", chat).expect(202).json().at("job_id").string(""));
      }
      Waiting.until(
          () ->
              in(maria, jobs, "delivered").size() == mostAccepted
                  && in(maria, jobs, "pending").size() == ANSWERED - mostAccepted
                  && calls.get() == ANSWERED + HANGING);
      delivered = in(maria, jobs, "delivered");
      gateway.process().destroyForcibly().waitFor();
    }
    assertEquals(mostAccepted, accepted.size());
    mostAccepted = Integer.MAX_VALUE;
    try (GatewayProcess gateway = start()) {
      Client maria = new Client("http://127.0.0.1:" + gateway.port(), key);
      Waiting.until(() -> in(maria, jobs, "delivered"), jobs::equals);
      assertEquals(jobs, accepted.keySet());
      assertEquals(
          HANGING, accepted.values().stream().filter("job.failed"::equals).count(), "interrupted");
      repeated.retainAll(delivered);
      assertEquals(Set.of(), repeated, "delivered again although its success was recorded");
      assertEquals(ANSWERED + HANGING, calls.get(), "no call was made again");
    }
  }
}
