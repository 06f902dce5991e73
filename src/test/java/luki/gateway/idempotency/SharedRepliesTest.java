package luki.gateway.idempotency;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import luki.gateway.standin.Fixture;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.Client;
import luki.gateway.testing.GatewayProcess;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.RawHttpClient;
import luki.gateway.testing.RedisProcess;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.Jedis;

/** Several instances on one Redis process a request with an Idempotency-Key once. */
@Timeout(90)
class SharedRepliesTest {
  private static final String PATH = "/v1/tokens/rewards";
  private static final String BODY =
      "{\"user_id\":\"maria_k\",\"reason\":\"a story\",\"amount\":\"2.50\"}";
  private static final String[] KEY = {"Idempotency-Key", "k"};
  private static final String PEPPER = "a pepper that only this test knows, long enough";

  private final RedisProcess redis = RedisProcess.start("--appendfsync", "no");
  private final AtomicInteger calls = new AtomicInteger();
  private final CountDownLatch called = new CountDownLatch(1);
  private volatile CountDownLatch answer = new CountDownLatch(0);
  private final RawUpstream tokens =
      Fixture.faulty(
          (connection, _) -> {
            int n = calls.incrementAndGet();
            called.countDown();
            assertTrue(answer.await(60, TimeUnit.SECONDS));
            connection.reply("200 OK", "{\"note\":\"a private note\",\"n\":%d}".formatted(n));
          });

  @TempDir Path directory;
  private Path secret;

  @BeforeEach
  void writeSecret() throws Exception {
    secret = Files.writeString(directory.resolve("secret"), "a secret of 32 bytes for replies.\n");
  }

  @AfterEach
  void stop() {
    answer.countDown();
    tokens.close();
    redis.close();
  }

  private TestGateway.Builder builder() {
    return TestGateway.builder()
        .with("TOKEN_URL", tokens.url())
        .with("REDIS_URL", redis.url())
        .with("API_KEY_PEPPER", PEPPER)
        .with("API_KEYS_FILE", directory.resolve("keys.json").toString())
        .yaml("redis_deadline: 20ms", "redis_deadline: 3s");
  }

  private TestGateway gateway() {
    return builder().with("IDEMPOTENCY_KEY_PATH", secret.toString()).start();
  }

  private static String key(TestGateway gateway) {
    return gateway.key(List.of("maria_k"), "tokens:read", "tokens:write");
  }

  private static Client client(TestGateway gateway, String key) {
    gateway.refreshKeys();
    return new Client(gateway, key);
  }

  private static boolean isReplayed(HttpReply reply) {
    return reply.header("Idempotent-Replayed").isPresent();
  }

  @Test
  void anotherInstanceAnswersARepeatAndRefusesADuplicateInProgress() throws Exception {
    answer = new CountDownLatch(1);
    try (TestGateway one = gateway();
        TestGateway two = gateway();
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      String key = key(one);
      Client other = client(two, key);
      Future<HttpReply> first = threads.submit(() -> client(one, key).post(PATH, BODY, KEY));
      assertTrue(called.await(20, TimeUnit.SECONDS));
      other.post(PATH, BODY, KEY).expect(409, "IDEMPOTENCY_IN_PROGRESS");
      other.post(PATH, BODY.replace("2.50", "3"), KEY).expect(422, "IDEMPOTENCY_MISMATCH");
      answer.countDown();
      String body = first.get().expect(200).body();
      HttpReply repeat = other.post(PATH, BODY, KEY).expect(200);
      assertTrue(isReplayed(repeat));
      assertEquals(body, repeat.body());
      assertEquals(1, calls.get());
    }
    // After a restart too.
    try (TestGateway restarted = gateway()) {
      String key = key(restarted);
      client(restarted, key).post(PATH, BODY, KEY).expect(200);
      assertEquals(2, calls.get(), "another caller");
    }
  }

  @Test
  void whatIsStoredIsEncryptedAndAChangedReplyIsNeitherSentNorReplaced() {
    try (TestGateway gateway = gateway();
        Jedis jedis = redis.client()) {
      Client maria = client(gateway, key(gateway));
      maria.post(PATH, BODY, KEY).expect(200);
      Set<String> names = jedis.keys("luki:*:reply");
      assertEquals(1, names.size());
      byte[] name = names.iterator().next().getBytes(StandardCharsets.US_ASCII);
      byte[] stored = jedis.get(name);
      String text = new String(stored, StandardCharsets.ISO_8859_1) + names;
      for (String part : List.of("private", "note", "maria", "200", "amount")) {
        assertFalse(text.contains(part), part);
      }
      long millis = jedis.pttl(name);
      assertTrue(millis > 86_000_000 && millis <= 86_400_000, millis + " ms");
      stored[stored.length - 1] ^= 1;
      jedis.set(name, stored);
      maria.post(PATH, BODY, KEY).expect(500, "INTERNAL");
      assertEquals(1, calls.get());
    }
  }

  @Test
  void withoutACommonSecretARepeatIsKnownToItsInstanceAlone() {
    try (TestGateway one = builder().start();
        TestGateway two = builder().start()) {
      String key = key(one);
      client(one, key).post(PATH, BODY, KEY).expect(200);
      assertTrue(isReplayed(client(one, key).post(PATH, BODY, KEY).expect(200)));
      assertFalse(isReplayed(client(two, key).post(PATH, BODY, KEY).expect(200)));
    }
  }

  @Test
  void duringAnOutageAnInstanceKeepsRepliesItself() {
    try (TestGateway gateway = gateway()) {
      Client maria = client(gateway, key(gateway));
      redis.kill();
      assertFalse(isReplayed(maria.post(PATH, BODY, KEY).expect(200)));
      assertTrue(isReplayed(maria.post(PATH, BODY, KEY).expect(200)));
      redis.restart();
      String degraded = "luki_gateway_ratelimit_degraded";
      Waiting.until(Duration.ofSeconds(20), () -> gateway.metric(degraded).equals("0.0"));
      assertTrue(isReplayed(maria.post(PATH, BODY, KEY).expect(200)));
      assertEquals(1, calls.get());
    }
  }

  @Test
  void duringAnOutageThatRefusesCallsAKeyIsRefusedToo() {
    try (TestGateway gateway = builder().with("RATE_LIMIT_ON_REDIS_LOSS", "deny").start()) {
      Client maria = client(gateway, key(gateway));
      maria.post(PATH, BODY, KEY).expect(200);
      redis.kill();
      // Without a rate the limits need no Redis: the next step is that about consent.
      maria.get("/v1/tokens/balances/maria_k").expect(503, "CONSENT_UNAVAILABLE");
      maria.post(PATH, BODY, KEY).expect(503, "LIMITER_UNAVAILABLE");
      assertEquals(1, calls.get());
    }
  }

  @Test
  void theMarkOfAKilledInstanceExpires() throws Exception {
    answer = new CountDownLatch(1);
    try (TestGateway survivor = gateway()) {
      String key = key(survivor);
      Map<String, String> variables =
          Map.of(
              "TOKEN_URL", tokens.url(),
              "REDIS_URL", redis.url(),
              "API_KEY_PEPPER", PEPPER,
              "API_KEYS_FILE", directory.resolve("keys.json").toString(),
              "IDEMPOTENCY_KEY_PATH", secret.toString());
      try (GatewayProcess killed = GatewayProcess.start(directory, List.of(), variables);
          RawHttpClient client = new RawHttpClient(killed.port())) {
        Waiting.until(
            Duration.ofSeconds(30), () -> killed.stranger().get("/readyz").status() == 200);
        String head =
            """
            POST %s HTTP/1.1
            Host: gateway
            Authorization: Bearer %s
            Content-Type: application/json
            Idempotency-Key: k
            Content-Length: %d

            """
                .formatted(PATH, key, BODY.length());
        client.send(RawHttpClient.crlf(head) + BODY);
        assertTrue(called.await(20, TimeUnit.SECONDS));
        Client maria = client(survivor, key);
        maria.post(PATH, BODY, KEY).expect(409, "IDEMPOTENCY_IN_PROGRESS");
        killed.process().destroyForcibly();
        answer.countDown();
        HttpReply reply =
            Waiting.until(
                Duration.ofSeconds(30),
                () -> maria.post(PATH, BODY, KEY),
                found -> found.status() != 409);
        assertFalse(isReplayed(reply.expect(200)));
        assertEquals(2, calls.get());
      }
    }
  }
}
