package luki.gateway.limit;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import luki.gateway.config.Settings.OnRedisLoss;
import luki.gateway.observe.Diagnostics;
import luki.gateway.observe.FailureLog;
import luki.gateway.observe.Periodic;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.exceptions.JedisDataException;

/**
 * One server, with one connection: calls that wait at the same moment are sent in one pipeline. A
 * failure costs the connection and fails the calls that wait; until a new connection has run a
 * script, calls fail at once. So a dead server delays only those that were sent to it before that
 * was noticed.
 */
final class RedisNode implements AutoCloseable {
  private static final int MAX_BATCH = 64;

  /** A call behind so many is not served within any deadline of a request. */
  static final int MAX_QUEUED = 16_384;

  // In a row, before Redis counts as unavailable and connections are tried less often.
  private static final int MAX_FAILURES = 3;
  private static final Duration RETRY_INTERVAL = Duration.ofMillis(250);
  // A connection that a network dropped silently is found before a call needs it.
  private static final Duration IDLE_CHECK = Duration.ofSeconds(15);
  private static final Rate PROBE_RATE = new Rate(1, 1_000_000);

  private final HostAndPort server;
  private final JedisClientConfig config;
  private final Duration deadline;
  private final OnRedisLoss fallback;
  private final FailureLog outage =
      new FailureLog("redis", "Redis unavailable; fallback", "Redis available again");
  private final LinkedBlockingQueue<Script.Call> queue = new LinkedBlockingQueue<>(MAX_QUEUED);
  private final List<Script.Call> batch = new ArrayList<>(MAX_BATCH);
  private final Periodic connections;
  private int failures;
  private volatile String probeKey;
  private volatile boolean connected;

  /**
   * Creates a node and begins to connect.
   *
   * @param probeKey a key that the server stores
   * @param fallback what the limits do during an outage, for the log
   */
  RedisNode(
      HostAndPort server,
      JedisClientConfig config,
      Duration deadline,
      String probeKey,
      OnRedisLoss fallback) {
    this.server = server;
    this.config = config;
    this.deadline = deadline;
    this.probeKey = probeKey;
    this.fallback = fallback;
    this.connections = new Periodic("redis", this::serve);
  }

  /** Why a server is unavailable, for the log. */
  private enum Cause {
    NOT_REACHABLE,
    NO_REPLY,
    ERROR_REPLY;

    static Cause of(Exception failure) {
      if (failure instanceof JedisDataException) {
        return ERROR_REPLY;
      }
      Throwable cause = failure instanceof IOException ? failure : failure.getCause();
      return cause instanceof SocketTimeoutException ? NO_REPLY : NOT_REACHABLE;
    }
  }

  void probeWith(String key) {
    probeKey = key;
  }

  boolean isAvailable() {
    return connected;
  }

  /** It is connected, or several attempts have failed. */
  boolean isSettled() {
    return connected || outage.isFailing();
  }

  boolean isIdle() {
    return queue.isEmpty();
  }

  /** Sends a call soon, or fails it. */
  void submit(Script.Call call) {
    boolean queued = connected && queue.offer(call);
    // Checked again for a call that was added after the queue was emptied by a failure.
    if (!queued || !connected) {
      call.fail(unavailable());
    }
  }

  private Limiter.Unavailable unavailable() {
    return new Limiter.Unavailable("Redis is unavailable", null, outage.isFailing());
  }

  /** Serves calls with one connection until it fails; returns the pause until the next one. */
  private Duration serve() throws InterruptedException {
    try (RedisConnection connection = RedisConnection.open(server, config, deadline)) {
      batch.add(probe());
      connection.run(batch);
      connected = true;
      outage.succeeded();
      while (true) {
        batch.clear();
        Script.Call first = queue.poll(IDLE_CHECK.toMillis(), TimeUnit.MILLISECONDS);
        batch.add(first == null ? probe() : first);
        queue.drainTo(batch, MAX_BATCH - 1);
        connection.run(batch);
        failures = 0;
      }
    } catch (IOException | RuntimeException failure) {
      failures++;
      if (failures < MAX_FAILURES) {
        return Duration.ZERO;
      }
      logOutage(failure);
      return RETRY_INTERVAL;
    } finally {
      connected = false;
      queue.drainTo(batch);
      Limiter.Unavailable unavailable = unavailable();
      batch.forEach(call -> call.fail(unavailable));
      batch.clear();
    }
  }

  /** A ping is not enough: a replica or a full server replies to it too. */
  private Script.Call probe() {
    return Script.lease(probeKey, PROBE_RATE, 1);
  }

  private void logOutage(Exception failure) {
    outage.failed(
        Diagnostics.Field.of("mode", fallback),
        Diagnostics.Field.of("cause", Cause.of(failure)),
        Diagnostics.Field.of(
            "server", InetSocketAddress.createUnresolved(server.getHost(), server.getPort())));
  }

  /** Closes a node that serves no keys any more. */
  void retire() {
    close();
    outage.succeeded();
  }

  @Override
  public void close() {
    connections.close();
  }
}
