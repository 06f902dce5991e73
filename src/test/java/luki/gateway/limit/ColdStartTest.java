package luki.gateway.limit;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
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
import luki.gateway.testing.RedisProcess;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The first calls of processes that have just become ready. */
@Timeout(120)
class ColdStartTest {
  private static final String READS = "/v1/cognitive/life-story/phases";
  private static final String PEPPER = "a pepper that only this test knows, long enough";
  private static final Duration START = Duration.ofSeconds(60);
  private static final int CALLS = 90;
  private static final int LIMIT = 30;

  private static String key(Path file) throws Exception {
    ApiKeyAdmin keys =
        new ApiKeyAdmin(new KeyFile(file), KeyedHash.ofPepper(PEPPER), Clock.systemUTC());
    return keys.create(
            new ApiKeyAdmin.Wanted(
                "maria_k",
                Set.of(new Scope("cognitive:read")),
                Set.of(),
                KeyEntry.usersOf(List.of(), "maria_k"),
                null,
                null))
        .reveal();
  }

  private static int passed(String key, List<Integer> ports) throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    List<Future<Integer>> calls = new ArrayList<>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < CALLS; i++) {
        Client client = new Client("http://127.0.0.1:" + ports.get(i % ports.size()), key);
        calls.add(
            threads.submit(
                () -> {
                  go.await();
                  return client.get(READS).status();
                }));
      }
      go.countDown();
    }
    int passed = 0;
    for (Future<Integer> call : calls) {
      int status = call.get();
      assertTrue(status == 200 || status == 429, "status " + status);
      passed += status == 200 ? 1 : 0;
    }
    return passed;
  }

  @Test
  void twoFreshInstancesTogetherAdmitTheLimitAndNoMore(@TempDir Path directory) throws Exception {
    Path file = directory.resolve("keys.json");
    String key = key(file);
    try (RedisProcess redis = RedisProcess.start("--appendfsync", "no");
        RawUpstream cognitive = RawUpstream.answering(RawUpstream.EMPTY_OBJECT)) {
      Map<String, String> environment =
          Map.of(
              "API_KEY_PEPPER", PEPPER,
              "API_KEYS_FILE", file.toString(),
              "REDIS_URL", redis.url(),
              "COG_URL", cognitive.url(),
              "REPLICAS", "2",
              "RATE_LIMIT_PER_MIN", "1",
              "RATE_LIMIT_BURST", Integer.toString(LIMIT));
      try (GatewayProcess one = GatewayProcess.start(directory, List.of(), environment);
          GatewayProcess two = GatewayProcess.start(directory, List.of(), environment)) {
        for (GatewayProcess gateway : List.of(one, two)) {
          Waiting.until(START, () -> gateway.stranger().get("/readyz").status() == 200);
        }
        int passed = passed(key, List.of(one.port(), two.port()));
        assertTrue(passed == LIMIT || passed == LIMIT + 1, passed + " passed");
      }
    }
  }
}
