package luki.gateway.limit;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import luki.gateway.config.Settings.OnRedisLoss;
import luki.gateway.observe.Diagnostics;
import luki.gateway.observe.FailureLog;
import luki.gateway.observe.Periodic;
import redis.clients.jedis.AbstractPipeline;
import redis.clients.jedis.Response;
import redis.clients.jedis.exceptions.JedisNoScriptException;

/**
 * Runs scripts on Redis. Calls that wait at the same moment are sent in one pipeline, so that many
 * requests cost few system calls; no caller waits longer than the deadline. After some failures in
 * a row Redis counts as unavailable: calls fail at once, until a periodic probe succeeds.
 */
final class RedisExecutor implements AutoCloseable {
  private static final Diagnostics LOG = new Diagnostics("redis");
  private static final Duration CLOSE_LIMIT = Duration.ofMillis(500);
  private static final Duration CLOSE_INTERVAL = Duration.ofMillis(4);
  private static final Duration PROBE_INTERVAL = Duration.ofMillis(250);
  private static final Rate PROBE_RATE = new Rate(1, 1_000_000);
  private static final int MAX_FAILURES = 5;
  private static final int WARM_UP_ATTEMPTS = 4;
  private static final int MAX_BATCH = 64;
  private static final int WORKERS = 2;
  private static final int CLUSTER_WORKERS = 16;
  private static final int MAX_POSTPONED = 100_000;

  private final LazyRedis redis;
  private final Duration deadline;
  private final Diagnostics.Field mode;
  private final List<LinkedBlockingQueue<Script.Call>> queues = new ArrayList<>();
  private final List<Thread> workers = new ArrayList<>();
  private final AtomicInteger failures = new AtomicInteger();
  private final FailureLog outage =
      new FailureLog(LOG, "Redis unavailable; fallback", "Redis available again");
  private final LinkedBlockingQueue<Script.Call> postponed =
      new LinkedBlockingQueue<>(MAX_POSTPONED);
  private final ReplyTimeouts timeouts = new ReplyTimeouts(this::failed);
  private final Periodic probes;
  private volatile boolean closed;

  /**
   * Creates an executor that connects when it is first used.
   *
   * @param addresses of one server, or of a cluster's nodes
   * @param deadline of each call
   * @param fallback what the limits do during an outage, for the log
   */
  RedisExecutor(List<URI> addresses, Duration deadline, OnRedisLoss fallback) {
    this.redis = new LazyRedis(addresses, deadline);
    this.deadline = deadline;
    this.mode = Diagnostics.Field.of("mode", fallback);
    for (int i = 0; i < (redis.isCluster() ? CLUSTER_WORKERS : WORKERS); i++) {
      LinkedBlockingQueue<Script.Call> queue = new LinkedBlockingQueue<>();
      queues.add(queue);
      workers.add(Thread.ofVirtual().name("redis-" + i).start(() -> work(queue)));
    }
    this.probes = new Periodic("redis-probe", this::probe);
  }

  boolean isAvailable() {
    return !outage.isFailing();
  }

  /**
   * Runs a script and waits for its reply.
   *
   * @throws Limiter.Unavailable no reply in time, an error, or an outage
   */
  Object run(Script script, List<String> keys, List<String> arguments) throws Limiter.Unavailable {
    if (outage.isFailing() || closed) {
      throw new Limiter.Unavailable("Redis is unavailable", null);
    }
    Script.Call call = call(script, keys, arguments, false);
    timeouts.watch(call);
    enqueue(call);
    try {
      return call.reply().get();
    } catch (ExecutionException failure) {
      throw new Limiter.Unavailable("Redis call failed", failure);
    } catch (InterruptedException stopping) {
      Thread.currentThread().interrupt();
      throw new Limiter.Unavailable("interrupted", stopping);
    }
  }

  /** Runs a script soon, or at the end of an outage. */
  void runLater(Script script, List<String> keys, List<String> arguments) {
    Script.Call call = call(script, keys, arguments, true);
    if (outage.isFailing()) {
      postpone(call);
    } else {
      enqueue(call);
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
    List<?> reply = (List<?>) run(Script.LEASE, List.of(key), rate.arguments("", units));
    return new Lease((Long) reply.getFirst(), (Long) reply.get(1));
  }

  /** Returns leased units, or loses them: a second attempt could return them twice. */
  void giveBack(String key, Rate rate, long units) {
    if (!outage.isFailing() && !closed) {
      enqueue(call(Script.LEASE, List.of(key), rate.arguments("", -units), false));
    }
  }

  private Script.Call call(
      Script script, List<String> keys, List<String> arguments, boolean mustRun) {
    return new Script.Call(
        script,
        keys,
        arguments,
        new CompletableFuture<>(),
        System.nanoTime() + deadline.toNanos(),
        mustRun);
  }

  /** Calls with the same key use the same queue, so they stay in order. */
  private void enqueue(Script.Call call) {
    queues.get(Math.floorMod(call.keys().getFirst().hashCode(), queues.size())).add(call);
  }

  private void postpone(Script.Call call) {
    if (!postponed.offer(call)) {
      LOG.error("usage not counted: Redis unavailable for too long");
    }
  }

  private void work(LinkedBlockingQueue<Script.Call> queue) {
    List<Script.Call> batch = new ArrayList<>(MAX_BATCH);
    try {
      while (!closed) {
        batch.add(queue.take());
        queue.drainTo(batch, MAX_BATCH - 1);
        batch.removeIf(Script.Call::isExpired);
        if (!batch.isEmpty()) {
          send(batch);
        }
        batch.clear();
      }
    } catch (InterruptedException stopped) {
      // close() was called.
    }
  }

  private void send(List<Script.Call> batch) {
    if (redis.isCluster()) {
      // Each node has a connection of its own: a pipeline would save nothing.
      batch.forEach(
          call ->
              complete(
                  call,
                  () -> redis.get().evalsha(call.script().sha1(), call.keys(), call.arguments())));
      return;
    }
    List<Response<Object>> replies = new ArrayList<>(batch.size());
    try (AbstractPipeline pipeline = redis.get().pipelined()) {
      for (Script.Call call : batch) {
        replies.add(pipeline.evalsha(call.script().sha1(), call.keys(), call.arguments()));
      }
      pipeline.sync();
    } catch (RuntimeException failure) {
      batch.forEach(call -> fail(call, failure));
      return;
    }
    for (int i = 0; i < batch.size(); i++) {
      complete(batch.get(i), replies.get(i));
    }
  }

  private void complete(Script.Call call, Supplier<Object> reply) {
    try {
      succeed(call, reply.get());
    } catch (JedisNoScriptException unknown) {
      complete(call, () -> redis.get().eval(call.script().text(), call.keys(), call.arguments()));
    } catch (RuntimeException failure) {
      fail(call, failure);
    }
  }

  private void succeed(Script.Call call, Object reply) {
    failures.set(0);
    call.reply().complete(reply);
  }

  private void fail(Script.Call call, RuntimeException failure) {
    failed(failure);
    if (call.mustRun()) {
      postpone(call);
    } else {
      call.reply().completeExceptionally(failure);
    }
  }

  private void failed(Exception failure) {
    if (failures.incrementAndGet() >= MAX_FAILURES && !outage.isFailing()) {
      outage.failed(mode, Diagnostics.Field.of("cause", failure));
    }
  }

  private Duration probe() {
    if (outage.isFailing() && isWritable()) {
      failures.set(0);
      outage.succeeded();
    }
    if (!outage.isFailing()) {
      List<Script.Call> calls = new ArrayList<>();
      postponed.drainTo(calls);
      calls.forEach(this::enqueue);
    }
    return PROBE_INTERVAL;
  }

  /** A ping is not enough: a replica or a full server replies to it too. */
  private boolean isWritable() {
    try {
      redis.get().eval(Script.LEASE.text(), List.of("luki:probe"), PROBE_RATE.arguments("", 1));
      return true;
    } catch (RuntimeException unavailable) {
      return false;
    }
  }

  /** Opens the first connection, so that no request has to wait for it. */
  void warmUp() {
    // The first reply takes longer than the deadline: classes are loaded for it.
    for (int i = 0; i < WARM_UP_ATTEMPTS; i++) {
      if (isWritable()) {
        return;
      }
    }
    outage.failed(mode);
  }

  /** Waits a moment for the calls in the queues. */
  private void flush() {
    long end = System.nanoTime() + CLOSE_LIMIT.toNanos();
    while (!outage.isFailing()
        && System.nanoTime() - end < 0
        && !queues.stream().allMatch(LinkedBlockingQueue::isEmpty)) {
      LockSupport.parkNanos(CLOSE_INTERVAL.toNanos());
    }
    int left = postponed.size() + queues.stream().mapToInt(LinkedBlockingQueue::size).sum();
    if (left > 0) {
      LOG.error("usage not counted", Diagnostics.Field.of("calls", left));
    }
  }

  @Override
  public void close() {
    flush();
    closed = true;
    workers.forEach(Thread::interrupt);
    probes.close();
    timeouts.close();
    redis.close();
  }
}
