package luki.gateway.limit;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.stream.Stream;
import luki.gateway.config.Settings.OnRedisLoss;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.Connection;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.util.JedisClusterCRC16;

/**
 * The servers of {@code REDIS_URL}: one, or for several addresses the nodes of a cluster. Which
 * node serves a key is asked again whenever it may have changed.
 */
final class RedisNodes implements AutoCloseable {
  private static final String PROBE = "luki:probe";
  private static final int SLOTS = Protocol.CLUSTER_HASHSLOTS;

  private final List<URI> addresses;
  private final JedisClientConfig config;
  private final Duration deadline;
  private final OnRedisLoss fallback;
  private volatile @Nullable RedisNode single;
  private volatile AtomicReferenceArray<@Nullable RedisNode> bySlot =
      new AtomicReferenceArray<>(SLOTS);
  private volatile Map<HostAndPort, RedisNode> nodes = Map.of();
  private volatile boolean outdated = true;

  RedisNodes(List<URI> addresses, Duration deadline, OnRedisLoss fallback) {
    this.addresses = addresses;
    this.config = RedisConnection.config(addresses.getFirst(), deadline);
    this.deadline = deadline;
    this.fallback = fallback;
  }

  Collection<RedisNode> all() {
    return nodes.values();
  }

  /** The node that serves a key; null while none is known. */
  @Nullable RedisNode of(String key) {
    RedisNode only = single;
    return only == null ? bySlot.get(JedisClusterCRC16.getSlot(key)) : only;
  }

  /** A node has replied that another serves a key. */
  void outdated() {
    outdated = true;
  }

  /** Every key can be counted. */
  boolean areAvailable() {
    return !outdated && all().stream().allMatch(RedisNode::isAvailable);
  }

  /** Connects to the server, or asks which nodes there are, if that may have changed. */
  void refresh() {
    if (areAvailable() || single != null) {
      return;
    }
    if (addresses.size() == 1) {
      HostAndPort server = RedisConnection.hostAndPort(addresses.getFirst());
      RedisNode only = new RedisNode(server, config, deadline, PROBE, fallback);
      single = only;
      nodes = Map.of(server, only);
      outdated = false;
      return;
    }
    boolean _ =
        Stream.concat(
                nodes.entrySet().stream()
                    .filter(node -> node.getValue().isAvailable())
                    .map(Map.Entry::getKey),
                addresses.stream().map(RedisConnection::hostAndPort))
            .anyMatch(this::ask);
  }

  private boolean ask(HostAndPort server) {
    try (Connection connection = new Connection(server, config)) {
      connection.sendCommand(Protocol.Command.CLUSTER, "SLOTS");
      take(server, connection.getObjectMultiBulkReply());
      return true;
    } catch (RuntimeException unreachable) {
      // The next one is asked; the outage of a node is logged by the node.
      return false;
    }
  }

  /** Takes over a reply: ranges of slots, each with the address of its primary. */
  private void take(HostAndPort asked, List<Object> ranges) {
    Map<HostAndPort, RedisNode> next = new HashMap<>();
    AtomicReferenceArray<@Nullable RedisNode> slots = new AtomicReferenceArray<>(SLOTS);
    int covered = 0;
    for (Object range : ranges) {
      List<?> parts = (List<?>) range;
      int first = Math.toIntExact((Long) parts.getFirst());
      int last = Math.toIntExact((Long) parts.get(1));
      RedisNode node =
          next.computeIfAbsent(
              primary(asked, (List<?>) parts.get(2)), server -> known(server, first, last));
      for (int slot = first; slot <= last; slot++) {
        slots.set(slot, node);
      }
      covered += last - first + 1;
    }
    Map<HostAndPort, RedisNode> before = nodes;
    nodes = next;
    bySlot = slots;
    outdated = covered < SLOTS;
    before.values().stream().filter(node -> !next.containsValue(node)).forEach(RedisNode::retire);
  }

  /** Without a host in the reply it is the one that was asked. */
  private static HostAndPort primary(HostAndPort asked, List<?> node) {
    String host = new String((byte[]) node.getFirst(), StandardCharsets.UTF_8);
    int port = Math.toIntExact((Long) node.get(1));
    return new HostAndPort(host.isEmpty() ? asked.getHost() : host, port);
  }

  /** The node with that address, which is created if it is new. */
  private RedisNode known(HostAndPort server, int first, int last) {
    String probeKey = probeKey(first, last);
    RedisNode known = nodes.get(server);
    if (known != null) {
      known.probeWith(probeKey);
      return known;
    }
    return new RedisNode(server, config, deadline, probeKey, fallback);
  }

  private static String probeKey(int first, int last) {
    for (int i = 0; ; i++) {
      String key = PROBE + ":" + i;
      int slot = JedisClusterCRC16.getSlot(key);
      if (slot >= first && slot <= last) {
        return key;
      }
    }
  }

  @Override
  public void close() {
    all().forEach(RedisNode::close);
  }
}
