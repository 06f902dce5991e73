package luki.gateway.limit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import luki.gateway.config.Settings.OnRedisLoss;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.RedisProcess;
import luki.gateway.testing.Relay;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.params.ClientKillParams;

/** A real Redis that dies, does not reply, is slow or refuses: no call fails because of it. */
@Timeout(90)
class RedisFaultsTest {
  private static final String READS = "/v1/cognitive/life-story/phases";
  private static final Duration BACK = Duration.ofSeconds(2);

  private final RedisProcess redis = RedisProcess.start("--appendfsync", "no");
  private final Relay relay = Relay.to(redis.port());
  private final RawUpstream cognitive = RawUpstream.answering(RawUpstream.EMPTY_OBJECT);

  @AfterEach
  void stop() {
    cognitive.close();
    relay.close();
    redis.close();
  }

  /** A row of the table of faults. */
  enum Fault {
    KILLED,
    STOPPED,
    SLOW,
    FULL,
    READ_ONLY,
    NO_AUTH
  }

  @Test
  void callsThatWaitForASlowRedisAreBounded() {
    HostAndPort server = new HostAndPort("127.0.0.1", relay.port());
    try (RedisNode node =
        new RedisNode(
            server,
            DefaultJedisClientConfig.builder().build(),
            Duration.ofSeconds(5),
            "probe",
            OnRedisLoss.LOCAL)) {
      Waiting.until(BACK, node::isAvailable);
      relay.delay(Duration.ofSeconds(1));
      int refused = 0;
      for (int i = 0; i < 2 * RedisNode.MAX_QUEUED; i++) {
        Script.Call call = Script.lease("caller", new Rate(1, 1_000_000), 1);
        node.submit(call);
        refused += call.reply.isCompletedExceptionally() ? 1 : 0;
      }
      // One batch may be on its way.
      assertTrue(refused > RedisNode.MAX_QUEUED - 200, refused + " refused at once");
      assertTrue(node.isAvailable());
    }
  }

  private void begin(Fault fault) {
    switch (fault) {
      case KILLED -> redis.kill();
      case STOPPED -> redis.freeze();
      case SLOW -> relay.delay(Duration.ofMillis(200));
      case FULL -> redisCommand(jedis -> jedis.configSet("maxmemory", "1"));
      case READ_ONLY -> redisCommand(jedis -> jedis.replicaof("127.0.0.1", 1));
      case NO_AUTH ->
          redisCommand(
              jedis -> {
                jedis.configSet("requirepass", "another");
                jedis.auth("another");
                // Connections that are authenticated already would stay.
                jedis.clientKill(new ClientKillParams().skipMe(ClientKillParams.SkipMe.YES));
              });
    }
  }

  private void end(Fault fault) {
    switch (fault) {
      case KILLED -> redis.restart();
      case STOPPED -> redis.thaw();
      case SLOW -> relay.delay(Duration.ZERO);
      case FULL -> redisCommand(jedis -> jedis.configSet("maxmemory", "0"));
      case READ_ONLY -> redisCommand(Jedis::replicaofNoOne);
      case NO_AUTH ->
          redisCommand(
              jedis -> {
                jedis.auth("another");
                jedis.configSet("requirepass", "");
              });
    }
  }

  private void redisCommand(Consumer<Jedis> command) {
    try (Jedis jedis = redis.client()) {
      command.accept(jedis);
    }
  }

  private TestGateway gateway(String onLoss) {
    return gateway(onLoss, "0");
  }

  private TestGateway gateway(String onLoss, String authFailures) {
    return TestGateway.builder()
        .with("COG_URL", cognitive.url())
        .with("REDIS_URL", "redis://127.0.0.1:" + relay.port())
        .with("RATE_LIMIT_ON_REDIS_LOSS", onLoss)
        .with("AUTH_FAILURES_PER_MIN", authFailures)
        .with("REPLICAS", "3")
        .with("RATE_LIMIT_PER_MIN", "60")
        .with("RATE_LIMIT_BURST", "30")
        .start();
  }

  private static Client caller(TestGateway gateway) {
    return gateway.client("cognitive:read");
  }

  private static String degraded(TestGateway gateway) {
    return gateway.metric("luki_gateway_ratelimit_degraded");
  }

  private static String health(TestGateway gateway) {
    return gateway
        .stranger()
        .get("/health")
        .json()
        .at("checks")
        .at("redis")
        .at("status")
        .string("");
  }

  @ParameterizedTest
  @EnumSource
  void duringAnOutageEachInstanceEnforcesItsPart(Fault fault) {
    try (TestGateway gateway = gateway("local")) {
      Client before = caller(gateway);
      for (int i = 0; i < 5; i++) {
        before.get(READS).expect(200);
      }
      assertEquals("0.0", degraded(gateway));
      begin(fault);
      long began = System.nanoTime();
      Client maria = caller(gateway);
      Map<Integer, Integer> statuses = new HashMap<>();
      List<Double> millis = new ArrayList<>();
      for (int i = 0; i < 60; i++) {
        long start = System.nanoTime();
        statuses.merge(maria.get(READS).status(), 1, Integer::sum);
        millis.add((System.nanoTime() - start) / 1e6);
      }
      double seconds = (System.nanoTime() - began) / 1e9;
      // A third of the burst and of the units refilled meanwhile. What Redis admitted before the
      // outage was noticed is additional, and is counted in Redis.
      int most = 10 + (int) Math.ceil(seconds / 3) + 1;
      assertTrue(statuses.getOrDefault(200, 0) <= most, statuses + " in " + seconds + " s");
      assertEquals(Map.of(), without(statuses, 200, 429), "no other status");
      assertTrue(millis.stream().filter(time -> time > 15).count() <= 20, millis.toString());
      List<Double> later = new ArrayList<>(millis.subList(30, 60));
      Collections.sort(later);
      assertTrue(later.get(15) < 10, "during the outage: " + later);
      assertEquals("1.0", degraded(gateway));
      assertEquals("down", health(gateway));
      gateway.stranger().get("/readyz").expect(200);
      end(fault);
      Waiting.until(BACK, () -> degraded(gateway), "0.0"::equals);
      assertEquals("up", health(gateway));
      // The full limit again: this caller has used nothing of it in Redis.
      Client fresh = caller(gateway);
      assertEquals(Optional.of("\"user\";r=29;t=1"), fresh.get(READS).header("RateLimit"));
    }
  }

  private static Map<Integer, Integer> without(Map<Integer, Integer> all, int... some) {
    Map<Integer, Integer> rest = new HashMap<>(all);
    for (int one : some) {
      rest.remove(one);
    }
    return rest;
  }

  private TestGateway gatewayWithoutRefills() {
    return TestGateway.builder()
        .with("COG_URL", cognitive.url())
        .with("REDIS_URL", "redis://127.0.0.1:" + relay.port())
        .with("RATE_LIMIT_PER_MIN", "1")
        .with("RATE_LIMIT_BURST", "30")
        .start();
  }

  @Test
  void aLateCallFallsBackOnWhatRedisLastSaidOfTheCaller() {
    try (TestGateway gateway = gatewayWithoutRefills()) {
      Client maria = caller(gateway);
      for (int i = 0; i < 25; i++) {
        maria.get(READS).expect(200);
      }
      relay.delay(Duration.ofMillis(200));
      int passed = 0;
      for (int i = 0; i < 20; i++) {
        passed += maria.get(READS).status() == 200 ? 1 : 0;
      }
      // One more where a minute ends.
      assertTrue(passed >= 1 && passed <= 6, passed + " passed");
    }
  }

  @Test
  void aLateCallOfACallerWhomRedisHasNotCountedYetPassesAlone() throws Exception {
    try (TestGateway gateway = gatewayWithoutRefills();
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Client maria = caller(gateway);
      relay.delay(Duration.ofMillis(200));
      List<Future<Integer>> calls = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        calls.add(threads.submit(() -> maria.get(READS).status()));
      }
      Map<Integer, Integer> statuses = new HashMap<>();
      for (Future<Integer> call : calls) {
        statuses.merge(call.get(), 1, Integer::sum);
      }
      assertEquals(Map.of(200, 1, 429, 9), statuses);
    }
  }

  @Test
  void countersSurviveARestartOfRedis() {
    String key;
    TestGateway.Builder builder =
        TestGateway.builder()
            .with("COG_URL", cognitive.url())
            .with("REDIS_URL", redis.url())
            .with("RATE_LIMIT_PER_MIN", "1")
            .with("RATE_LIMIT_BURST", "3");
    try (TestGateway first = builder.start()) {
      key = first.key(List.of("maria_k"), "cognitive:read");
      for (int i = 0; i < 3; i++) {
        new Client(first, key).get(READS).expect(200);
      }
      new Client(first, key).get(READS).expect(429);
      redis.kill();
      redis.restart();
      Waiting.until(BACK, () -> degraded(first), "0.0"::equals);
      Waiting.until(
          BACK, () -> new Client(first, key).get(READS).status(), status -> status == 429);
    }
  }

  @Test
  void underDenyNoCallIsAdmittedAndTheInstanceIsNotReady() {
    try (TestGateway gateway = gateway("deny")) {
      Client maria = caller(gateway);
      maria.get(READS).expect(200);
      redis.kill();
      for (int i = 0; i < 10; i++) {
        HttpReply answer = maria.get(READS).expect(503, "LIMITER_UNAVAILABLE");
        assertEquals(Optional.of("1"), answer.header("Retry-After"));
      }
      HttpReply ready = gateway.stranger().get("/readyz");
      assertEquals("LIMITER_UNAVAILABLE", ready.code());
      gateway.stranger().get("/healthz").expect(200);
      redis.restart();
      Waiting.until(BACK, () -> maria.get(READS).status(), status -> status == 200);
      gateway.stranger().get("/readyz").expect(200);
    }
  }

  @Test
  void aClusterThatIsDownAtStartupFailsNoCall() {
    redis.kill();
    try (TestGateway gateway =
        TestGateway.builder()
            .with("COG_URL", cognitive.url())
            .with("REDIS_URL", redis.url() + ",redis://127.0.0.1:1")
            .with("RATE_LIMIT_PER_MIN", "60")
            .start()) {
      caller(gateway).get(READS).expect(200);
      assertEquals("down", health(gateway));
      gateway.explanation();
    }
  }

  @Test
  void underDenyTheGlobalLimitRefusesWithTheSameError() {
    try (TestGateway gateway =
        TestGateway.builder()
            .with("COG_URL", cognitive.url())
            .with("REDIS_URL", redis.url())
            .with("RATE_LIMIT_ON_REDIS_LOSS", "deny")
            .with("RATE_LIMIT_GLOBAL_PER_MIN", "600")
            .start()) {
      Client maria = caller(gateway);
      maria.get(READS).expect(200);
      redis.kill();
      HttpReply answer =
          Waiting.until(BACK, () -> maria.get(READS), found -> found.status() != 200);
      assertEquals("LIMITER_UNAVAILABLE", answer.code());
    }
  }

  @Test
  void underAllowEveryCallIsAdmittedAndNoLimitIsReported() {
    try (TestGateway gateway = gateway("allow")) {
      Client maria = caller(gateway);
      assertTrue(maria.get(READS).header("RateLimit").isPresent());
      redis.kill();
      for (int i = 0; i < 50; i++) {
        HttpReply answer = maria.get(READS).expect(200);
        assertEquals(Optional.empty(), answer.header("RateLimit"));
      }
    }
  }

  @Test
  void P3_aDeadRedisIsNotTriedAtEachRequest() {
    try (TestGateway gateway = gateway("allow")) {
      Client maria = caller(gateway);
      maria.get(READS).expect(200);
      redis.kill();
      Waiting.until(
          BACK,
          () -> {
            maria.get(READS).expect(200);
            return degraded(gateway).endsWith("1.0");
          });
      int tried = relay.tries();
      long began = System.nanoTime();
      for (int i = 0; i < 200; i++) {
        maria.get(READS).expect(200);
      }
      double seconds = (System.nanoTime() - began) / 1e9;
      // Only the periodic probe, four times a second.
      assertTrue(relay.tries() - tried <= 4 * seconds + 4, relay.tries() - tried + " tries");
    }
  }

  @Test
  void whileRedisIsAwayFailedAuthenticationsAreLimitedAsAWholeWhateverItsLossMeans() {
    for (String onLoss : List.of("local", "deny", "allow")) {
      try (TestGateway gateway = gateway(onLoss, "5")) {
        relay.use(Relay.Fault.DOWN);
        Map<Integer, Integer> statuses = new TreeMap<>();
        for (int i = 0; i < 12; i++) {
          int status = new Client(gateway, "luki_guess" + i).get(READS).status();
          statuses.merge(status, 1, Integer::sum);
        }
        assertEquals(Map.of(401, 5, 429, 7), statuses, onLoss);
      } finally {
        relay.use(Relay.Fault.NONE);
      }
    }
  }

  @Test
  void R2_aGatewayThatStartsDuringAnOutageStillLimits() {
    redis.kill();
    try (TestGateway gateway = gateway("local")) {
      Client maria = caller(gateway);
      List<Integer> statuses = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        statuses.add(maria.get(READS).status());
      }
      long passed = statuses.stream().filter(status -> status == 200).count();
      assertTrue(passed >= 10 && passed <= 12, statuses.toString());
      assertEquals(20 - passed, statuses.stream().filter(status -> status == 429).count());
    }
  }
}
