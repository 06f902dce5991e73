package luki.gateway.limit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
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
import org.junit.jupiter.params.provider.ValueSource;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.params.MigrateParams;
import redis.clients.jedis.util.JedisClusterCRC16;

/** Redis servers that change places: fail-over behind one address, and the nodes of a cluster. */
@Timeout(90)
class RedisTopologyTest {
  private static final String READS = "/v1/cognitive/life-story/phases";
  private static final Duration BACK = Duration.ofSeconds(2);
  private static final Duration DEADLINE = Duration.ofMillis(200);
  private static final int BURST = 30;
  private static final int REPLICAS = 3;

  private final RawUpstream cognitive = RawUpstream.answering(RawUpstream.EMPTY_OBJECT);

  @AfterEach
  void stop() {
    cognitive.close();
  }

  private TestGateway gateway(String redis) {
    return TestGateway.builder()
        .with("COG_URL", cognitive.url())
        .with("REDIS_URL", redis)
        .with("REPLICAS", Integer.toString(REPLICAS))
        .with("RATE_LIMIT_PER_MIN", "1")
        .with("RATE_LIMIT_BURST", Integer.toString(BURST))
        // A slow test machine must not make a server look dead.
        .yaml("redis_deadline: 20ms", "redis_deadline: " + DEADLINE.toMillis() + "ms")
        .start();
  }

  private static long remaining(HttpReply reply) {
    String limit = reply.header("RateLimit").orElseThrow();
    return Long.parseLong(limit.replaceAll(".*r=(\\d+).*", "$1"));
  }

  /** Redis has counted the call: locally fewer units remain than a third of the burst. */
  private static boolean isCountedInRedis(HttpReply reply) {
    return reply.status() == 200 && remaining(reply) >= BURST / REPLICAS;
  }

  /** What the old server replies after the fail-over, on connections that stay open. */
  enum Demoted {
    READONLY,
    MASTERDOWN,
    LOADING
  }

  private static void demote(RedisProcess old, Demoted to, int newPrimary) {
    try (Jedis jedis = old.client()) {
      switch (to) {
        case READONLY -> jedis.replicaof("127.0.0.1", newPrimary);
        case MASTERDOWN -> {
          jedis.configSet("replica-serve-stale-data", "no");
          jedis.replicaof("127.0.0.1", 1);
        }
        case LOADING -> {
          // Redis serves its clients after each thousandth command that it loads.
          jedis.eval("for i = 1, 300000 do redis.call('SET', 'filler', i) end");
          Thread.startVirtualThread(
              () -> {
                try (Jedis reloading = old.client()) {
                  reloading.sendCommand(
                      () -> "DEBUG".getBytes(StandardCharsets.US_ASCII), "LOADAOF");
                } catch (RuntimeException killed) {
                  // The test has ended before.
                }
              });
          Waiting.until(BACK, () -> isLoading(old));
        }
      }
    }
  }

  private static boolean isLoading(RedisProcess server) {
    try (Jedis jedis = server.client()) {
      return jedis.get("filler").isEmpty();
    } catch (RuntimeException error) {
      return String.valueOf(error.getMessage()).contains("LOADING");
    }
  }

  @ParameterizedTest
  @EnumSource
  void failsOverBehindOneAddress(Demoted how) {
    try (RedisProcess old = RedisProcess.start("--appendfsync", "no");
        RedisProcess next = RedisProcess.start("--appendfsync", "no");
        Relay address = Relay.to(old.port());
        TestGateway gateway = gateway("redis://127.0.0.1:" + address.port())) {
      for (int i = 0; i < 8; i++) {
        assertTrue(isCountedInRedis(gateway.client("cognitive:read").get(READS)));
      }
      // New connections reach the new primary; those that are open still lead to the old server.
      address.leadTo(next.port());
      demote(old, how, next.port());
      // No call fails on the way.
      Waiting.until(
          BACK, () -> isCountedInRedis(gateway.client("cognitive:read").get(READS).expect(200)));
      for (int i = 0; i < 8; i++) {
        assertTrue(isCountedInRedis(gateway.client("cognitive:read").get(READS)));
      }
      assertEquals("0.0", gateway.metric("luki_gateway_ratelimit_degraded"));
      try (Jedis jedis = next.client()) {
        assertTrue(jedis.dbSize() >= 8, "counted on the new primary");
      }
    }
  }

  @Test
  void theUserThePasswordAndTheDatabaseOfTheAddressAreUsed() {
    try (RedisProcess redis = RedisProcess.start("--appendfsync", "no");
        Jedis jedis = redis.client()) {
      jedis.aclSetUser("gateway", "on", ">secret", "~luki:*", "+@all");
      jedis.aclSetUser("default", "resetpass", ">another");
      String address = "redis://gateway:secret@127.0.0.1:" + redis.port() + "/3";
      try (TestGateway gateway = gateway(address)) {
        assertTrue(isCountedInRedis(gateway.client("cognitive:read").get(READS)));
        jedis.select(3);
        assertTrue(jedis.dbSize() > 0);
      }
    }
  }

  private static List<RedisProcess> cluster() {
    return RedisProcess.startCluster(3, "--cluster-require-full-coverage", "no");
  }

  private static String urls(List<RedisProcess> cluster) {
    return cluster.stream().map(RedisProcess::url).collect(Collectors.joining(","));
  }

  private static Set<String> buckets(RedisProcess node) {
    try (Jedis jedis = node.client()) {
      return new HashSet<>(jedis.keys("luki:{*}:rate"));
    }
  }

  /** Makes callers until each node has three of them. */
  private static Map<RedisProcess, List<Client>> callersByNode(
      TestGateway gateway, List<RedisProcess> cluster) {
    Map<RedisProcess, List<Client>> callers = new HashMap<>();
    cluster.forEach(node -> callers.put(node, new ArrayList<>()));
    while (callers.values().stream().anyMatch(some -> some.size() < 3)) {
      Map<RedisProcess, Integer> before = new HashMap<>();
      cluster.forEach(node -> before.put(node, buckets(node).size()));
      Client caller = gateway.client("cognitive:read");
      assertTrue(isCountedInRedis(caller.get(READS).expect(200)));
      RedisProcess served =
          cluster.stream()
              .filter(node -> buckets(node).size() > before.get(node))
              .findFirst()
              .orElseThrow();
      callers.get(served).add(caller);
    }
    return callers;
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void oneNodeOfAClusterIsDead(boolean stopped) {
    List<RedisProcess> cluster = cluster();
    try (TestGateway gateway = gateway(urls(cluster))) {
      Map<RedisProcess, List<Client>> callers = callersByNode(gateway, cluster);
      RedisProcess dead = cluster.get(1);
      if (stopped) {
        dead.freeze();
      } else {
        dead.kill();
      }
      int slow = 0;
      for (int round = 0; round < 10; round++) {
        for (Client unlucky : callers.get(dead)) {
          long began = System.nanoTime();
          int status = unlucky.get(READS).status();
          slow += System.nanoTime() - began > DEADLINE.toNanos() / 2 ? 1 : 0;
          assertTrue(status == 200 || status == 429, "status " + status);
        }
        for (RedisProcess alive : List.of(cluster.get(0), cluster.get(2))) {
          Client lucky = callers.get(alive).getFirst();
          assertTrue(isCountedInRedis(lucky.get(READS).expect(200)), "others stay in Redis");
        }
      }
      assertTrue(slow <= 4, slow + " calls waited");
      assertEquals("1.0", gateway.metric("luki_gateway_ratelimit_degraded"));
      if (stopped) {
        dead.thaw();
      } else {
        dead.restart();
      }
      Waiting.until(() -> gateway.metric("luki_gateway_ratelimit_degraded"), "0.0"::equals);
    } finally {
      cluster.forEach(RedisProcess::close);
    }
  }

  @Test
  void slotsThatMoveToAnotherNodeAreFollowed() {
    List<RedisProcess> cluster = cluster();
    try (TestGateway gateway = gateway(urls(cluster))) {
      Map<RedisProcess, List<Client>> callers = callersByNode(gateway, cluster);
      Client caller = callers.get(cluster.get(0)).getFirst();
      long before = remaining(caller.get(READS).expect(200));
      moveAllSlots(cluster.get(0), cluster.get(2));
      caller.get(READS).expect(200);
      awaitRedis(gateway);
      HttpReply reply =
          Waiting.until(
              BACK, () -> caller.get(READS).expect(200), RedisTopologyTest::isCountedInRedis);
      assertTrue(remaining(reply) < before, "its bucket moved with it");
    } finally {
      cluster.forEach(RedisProcess::close);
    }
  }

  private static void awaitRedis(TestGateway gateway) {
    Waiting.until(BACK, () -> gateway.metric("luki_gateway_ratelimit_degraded"), "0.0"::equals);
  }

  private static void moveAllSlots(RedisProcess from, RedisProcess to) {
    try (Jedis source = from.client();
        Jedis target = to.client()) {
      String id = target.clusterMyId();
      Set<String> keys = source.keys("*");
      for (String key : keys) {
        int slot = JedisClusterCRC16.getSlot(key);
        target.clusterSetSlotImporting(slot, source.clusterMyId());
        source.clusterSetSlotMigrating(slot, id);
        source.migrate("127.0.0.1", to.port(), 1000, MigrateParams.migrateParams().replace(), key);
        target.clusterSetSlotNode(slot, id);
        source.clusterSetSlotNode(slot, id);
      }
    }
  }

  @Test
  void aReplicaTakesTheSlotsOfADeadNodeOver() {
    List<RedisProcess> cluster = cluster();
    RedisProcess replica = RedisProcess.startNode("--cluster-require-full-coverage", "no");
    try (TestGateway gateway = gateway(urls(cluster))) {
      Map<RedisProcess, List<Client>> callers = callersByNode(gateway, cluster);
      RedisProcess primary = cluster.get(1);
      replicate(replica, primary, cluster);
      primary.kill();
      try (Jedis jedis = replica.client()) {
        jedis.sendCommand(Protocol.Command.CLUSTER, "FAILOVER", "TAKEOVER");
      }
      for (RedisProcess other : List.of(cluster.get(0), cluster.get(2))) {
        Waiting.until(() -> isPrimary(replica, other));
      }
      Client caller = callers.get(primary).getFirst();
      caller.get(READS).expect(200);
      awaitRedis(gateway);
      assertTrue(isCountedInRedis(caller.get(READS).expect(200)));
    } finally {
      replica.close();
      cluster.forEach(RedisProcess::close);
    }
  }

  private static boolean isPrimary(RedisProcess node, RedisProcess accordingTo) {
    try (Jedis jedis = accordingTo.client()) {
      return jedis
          .clusterNodes()
          .lines()
          .anyMatch(line -> line.contains(":" + node.port() + "@") && line.contains("master"));
    }
  }

  /** Makes it a replica that all nodes of the cluster know. */
  private static void replicate(
      RedisProcess replica, RedisProcess primary, List<RedisProcess> cluster) {
    try (Jedis jedis = replica.client();
        Jedis of = primary.client()) {
      cluster.forEach(node -> jedis.clusterMeet("127.0.0.1", node.port()));
      cluster.forEach(node -> Waiting.until(() -> knows(node, cluster.size() + 1)));
      Waiting.until(() -> knows(replica, cluster.size() + 1));
      jedis.clusterReplicate(of.clusterMyId());
      Waiting.until(() -> jedis.info("replication").contains("master_link_status:up"));
    }
  }

  private static boolean knows(RedisProcess node, int nodes) {
    try (Jedis jedis = node.client()) {
      return jedis.clusterNodes().lines().filter(line -> line.contains(" connected")).count()
          == nodes;
    }
  }
}
