package luki.gateway.limit;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import luki.gateway.config.Settings.OnRedisLoss;
import luki.gateway.observe.Diagnostics;
import luki.gateway.observe.Periodic;
import org.jspecify.annotations.Nullable;

/**
 * Runs scripts on Redis. No caller waits longer than a deadline, and calls to a node that is
 * unavailable fail at once. What was used is counted at the end of an outage.
 */
final class RedisExecutor implements AutoCloseable {
  private static final Diagnostics LOG = new Diagnostics("redis");
  private static final Duration CLOSE_LIMIT = Duration.ofMillis(500);
  private static final Duration START_LIMIT = Duration.ofSeconds(2);
  private static final Duration WAIT_INTERVAL = Duration.ofMillis(4);
  private static final Duration UPKEEP_INTERVAL = Duration.ofMillis(250);
  private static final int MAX_POSTPONED = 100_000;
  // At a time, so that requests do not wait behind them.
  private static final int MAX_RESENT = 2000;

  private final RedisNodes nodes;
  private final LinkedBlockingQueue<Script.Call> postponed =
      new LinkedBlockingQueue<>(MAX_POSTPONED);
  private @Nullable Periodic upkeep;

  /**
   * Creates an executor that connects when it is started.
   *
   * @param addresses of one server, or of a cluster's nodes
   * @param deadline of each call
   * @param fallback what the limits do during an outage, for the log
   */
  RedisExecutor(List<URI> addresses, Duration deadline, OnRedisLoss fallback) {
    this.nodes = new RedisNodes(addresses, deadline, fallback);
  }

  /** Every key can be counted. */
  boolean isAvailable() {
    return nodes.areAvailable();
  }

  /** Some keys can be counted. */
  boolean isPartlyAvailable() {
    return nodes.all().stream().anyMatch(RedisNode::isAvailable);
  }

  /**
   * Runs a script and waits for its reply.
   *
   * @throws Limiter.Unavailable no reply in time, an error, or an outage
   */
  long[] run(Script.Call call) throws Limiter.Unavailable {
    submit(call);
    try {
      return call.reply.get();
    } catch (ExecutionException failure) {
      if (failure.getCause() instanceof Limiter.Unavailable unavailable) {
        throw unavailable;
      }
      if (failure.getCause() != null) {
        redirected(failure.getCause());
      }
      throw new Limiter.Unavailable("Redis call failed", failure, false);
    } catch (InterruptedException stopping) {
      Thread.currentThread().interrupt();
      throw new Limiter.Unavailable("interrupted", stopping, false);
    }
  }

  /** Runs a script soon, or at the end of an outage. */
  void runLater(Script.Call call) {
    CompletableFuture<long[]> _ =
        call.reply.whenComplete(
            (_, failure) -> {
              if (failure != null) {
                postpone(call, failure);
              }
            });
    submit(call);
  }

  private void postpone(Script.Call call, Throwable failure) {
    redirected(failure);
    if (!(failure instanceof Limiter.Unavailable || RedisConnection.isOfSlot(failure))) {
      LOG.error("usage not counted: Redis refused the call");
    } else if (!postponed.offer(call.again())) {
      LOG.error("usage not counted: Redis unavailable for too long");
    }
  }

  private void redirected(Throwable failure) {
    if (RedisConnection.isOfSlot(failure)) {
      nodes.outdated();
    }
  }

  /** Sends a call soon, or never: during an outage it is lost. */
  void submit(Script.Call call) {
    RedisNode node = nodes.of(call.tag);
    if (node == null) {
      call.fail(new Limiter.Unavailable("no Redis node serves the key", null, true));
    } else {
      node.submit(call);
    }
  }

  /**
   * Units of a bucket that instances share.
   *
   * @param waitMicros microseconds until one is free; 0 when there were some
   */
  record Lease(long units, long waitMicros) {}

  /** Takes the units that are free, up to a maximum. */
  Lease lease(String key, Rate rate, long units) throws Limiter.Unavailable {
    long[] reply = run(Script.lease(key, rate, units));
    return new Lease(reply[0], reply[1]);
  }

  /** Returns leased units, or loses them: a second attempt could return them twice. */
  void giveBack(String key, Rate rate, long units) {
    submit(Script.lease(key, rate, -units));
  }

  private Duration keepUp() {
    nodes.refresh();
    if (isPartlyAvailable()) {
      List<Script.Call> calls = new ArrayList<>();
      postponed.drainTo(calls, MAX_RESENT);
      calls.forEach(this::runLater);
    }
    return UPKEEP_INTERVAL;
  }

  /** Connects and runs a script on each connection, so that no request has to wait for it. */
  void warmUp() {
    nodes.refresh();
    upkeep = new Periodic("redis-upkeep", this::keepUp);
    await(START_LIMIT, () -> nodes.all().stream().allMatch(RedisNode::isSettled));
  }

  private static void await(Duration limit, BooleanSupplier condition) {
    long end = System.nanoTime() + limit.toNanos();
    while (!condition.getAsBoolean() && System.nanoTime() - end < 0) {
      LockSupport.parkNanos(WAIT_INTERVAL.toNanos());
    }
  }

  @Override
  public void close() {
    // The calls in the queues count what was used.
    await(CLOSE_LIMIT, () -> nodes.all().stream().allMatch(RedisNode::isIdle));
    if (upkeep != null) {
      upkeep.close();
    }
    nodes.close();
    if (!postponed.isEmpty()) {
      LOG.error("usage not counted", Diagnostics.Field.of("calls", postponed.size()));
    }
  }
}
