package luki.gateway.limit;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import luki.gateway.observe.Diagnostics;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.AbstractPipeline;
import redis.clients.jedis.Response;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisNoScriptException;

/**
 * Runs scripts on Redis. What is asked of one server at the same moment goes out together, so that
 * many requests cost few system calls; nobody waits longer than the deadline. When it fails a few
 * times in a row it is left alone, and looked at from aside until it answers again.
 */
final class RedisLink implements AutoCloseable {
  private static final Diagnostics LOG = new Diagnostics("redis");
  private static final Duration LOOK = Duration.ofMillis(4);
  private static final Duration LAST_WORDS = Duration.ofMillis(500);
  private static final Duration PROBE = Duration.ofMillis(250);
  private static final int FIRST_TRIES = 4;
  private static final int TOGETHER = 64;
  private static final int LANES = 2;
  private static final int CLUSTER_LANES = 16;
  private static final int MAX_POSTPONED = 100_000;

  private final Supplier<UnifiedJedis> maker;
  private final Duration deadline;
  private final boolean together;
  private final List<LinkedBlockingQueue<Asked>> lanes = new ArrayList<>();
  private final Outage outage = new Outage();
  private final ReplyTimeouts deadlines = new ReplyTimeouts(outage::failed);
  private final LinkedBlockingQueue<Asked> postponed = new LinkedBlockingQueue<>(MAX_POSTPONED);
  private final List<Thread> threads = new ArrayList<>();
  private final ReentrantLock making = new ReentrantLock();
  private volatile @Nullable UnifiedJedis client;
  private volatile boolean closed;

  /**
   * Connects when it is first used.
   *
   * @param together whether calls may share a pipeline: on a single server
   */
  RedisLink(Supplier<UnifiedJedis> maker, boolean together, Duration deadline) {
    this.maker = maker;
    this.deadline = deadline;
    this.together = together;
    for (int i = 0; i < (together ? LANES : CLUSTER_LANES); i++) {
      LinkedBlockingQueue<Asked> lane = new LinkedBlockingQueue<>();
      lanes.add(lane);
      threads.add(Thread.ofVirtual().name("redis-lane-" + i).start(() -> serve(lane)));
    }
    threads.add(Thread.ofVirtual().name("redis-probe").start(this::probe));
  }

  /** What concerns the same key goes the same way, so it stays in its order. */
  private void add(Asked call) {
    lanes.get(Math.floorMod(call.keys().getFirst().hashCode(), lanes.size())).add(call);
  }

  /** A cluster's client asks for its nodes when it is made, so that may fail. */
  private UnifiedJedis redis() {
    UnifiedJedis made = client;
    if (made != null) {
      return made;
    }
    making.lock();
    try {
      made = client == null ? maker.get() : client;
      client = made;
      return made;
    } finally {
      making.unlock();
    }
  }

  boolean isAway() {
    return outage.isOn();
  }

  /**
   * Runs a script and waits for its answer.
   *
   * @throws Limiter.Unavailable it did not answer in time, answered an error, or is left alone
   */
  Object run(Script script, List<String> keys, List<String> arguments) throws Limiter.Unavailable {
    if (outage.isOn() || closed) {
      throw new Limiter.Unavailable("Redis is away");
    }
    Asked call = ask(script, keys, arguments, false);
    deadlines.watch(call);
    add(call);
    try {
      return call.answer().get();
    } catch (ExecutionException failure) {
      throw new Limiter.Unavailable("Redis failed", failure);
    } catch (InterruptedException stopping) {
      Thread.currentThread().interrupt();
      throw new Limiter.Unavailable("interrupted", stopping);
    }
  }

  /** Runs a script some time soon, once Redis is there again where it is not. */
  void runLater(Script script, List<String> keys, List<String> arguments) {
    Asked call = ask(script, keys, arguments, true);
    if (outage.isOn()) {
      postpone(call);
    } else {
      add(call);
    }
  }

  /** Runs a script once and never again: its answer may be lost. */
  void runOnce(Script script, List<String> keys, List<String> arguments) {
    if (!outage.isOn() && !closed) {
      add(ask(script, keys, arguments, false));
    }
  }

  private Asked ask(Script script, List<String> keys, List<String> arguments, boolean mustRun) {
    return new Asked(
        script,
        keys,
        arguments,
        new CompletableFuture<>(),
        System.nanoTime() + deadline.toNanos(),
        mustRun);
  }

  private void postpone(Asked call) {
    if (!postponed.offer(call)) {
      LOG.error("what was used could not be counted: Redis has been away too long");
    }
  }

  private void serve(LinkedBlockingQueue<Asked> asked) {
    List<Asked> batch = new ArrayList<>(TOGETHER);
    try {
      while (!closed) {
        batch.add(asked.take());
        asked.drainTo(batch, TOGETHER - 1);
        batch.removeIf(Asked::isGivenUp);
        if (!batch.isEmpty()) {
          send(batch);
        }
        batch.clear();
      }
    } catch (InterruptedException stopped) {
      // close() was called.
    }
  }

  private void send(List<Asked> batch) {
    if (!together) {
      // The nodes of a cluster are different connections: nothing is saved by going together.
      batch.forEach(this::byItself);
      return;
    }
    List<Response<Object>> answers = new ArrayList<>(batch.size());
    try (AbstractPipeline pipeline = redis().pipelined()) {
      for (Asked call : batch) {
        answers.add(pipeline.evalsha(call.script().sha1(), call.keys(), call.arguments()));
      }
      pipeline.sync();
    } catch (RuntimeException failure) {
      batch.forEach(call -> fail(call, failure));
      return;
    }
    for (int i = 0; i < batch.size(); i++) {
      take(batch.get(i), answers.get(i));
    }
  }

  private void byItself(Asked call) {
    take(call, () -> redis().evalsha(call.script().sha1(), call.keys(), call.arguments()));
  }

  private void take(Asked call, Supplier<Object> answer) {
    try {
      succeed(call, answer.get());
    } catch (JedisNoScriptException unknown) {
      whole(call);
    } catch (RuntimeException failure) {
      fail(call, failure);
    }
  }

  private void whole(Asked call) {
    try {
      succeed(call, redis().eval(call.script().text(), call.keys(), call.arguments()));
    } catch (RuntimeException failure) {
      fail(call, failure);
    }
  }

  private void succeed(Asked call, Object answer) {
    outage.succeeded();
    call.answer().complete(answer);
  }

  private void fail(Asked call, RuntimeException failure) {
    outage.failed(failure);
    if (call.mustRun()) {
      postpone(call);
    } else {
      call.answer().completeExceptionally(failure);
    }
  }

  private void resume() {
    List<Asked> again = new ArrayList<>();
    postponed.drainTo(again);
    again.forEach(this::add);
  }

  private void probe() {
    try {
      while (!closed) {
        Thread.sleep(PROBE);
        if (outage.isOn() && answers()) {
          outage.end();
        }
        if (!outage.isOn()) {
          resume();
        }
      }
    } catch (InterruptedException stopped) {
      // close() was called.
    }
  }

  /** It must be able to write: a replica or a full server answers a ping as well. */
  private boolean answers() {
    try {
      redis().eval(Script.LEASE.text(), List.of("luki:probe"), List.of("", "1", "1000000", "1"));
      return true;
    } catch (RuntimeException stillAway) {
      return false;
    }
  }

  /** Opens the first connections before a request needs them. */
  void warmUp() {
    boolean there = false;
    // The first answer takes longer than any other: classes are loaded for it.
    for (int i = 0; i < FIRST_TRIES && !there; i++) {
      there = answers();
    }
    if (!there) {
      outage.begin(new IllegalStateException("Redis did not answer at the start"));
    }
  }

  /** What has to be done and can be is done, for a moment. */
  private void finish() {
    long end = System.nanoTime() + LAST_WORDS.toNanos();
    while (!outage.isOn()
        && System.nanoTime() - end < 0
        && !lanes.stream().allMatch(LinkedBlockingQueue::isEmpty)) {
      LockSupport.parkNanos(LOOK.toNanos());
    }
    int left = postponed.size() + lanes.stream().mapToInt(LinkedBlockingQueue::size).sum();
    if (left > 0) {
      LOG.error("what was used could not be counted", Diagnostics.Field.of("calls", left));
    }
  }

  @Override
  public void close() {
    finish();
    closed = true;
    threads.forEach(Thread::interrupt);
    deadlines.close();
    UnifiedJedis made = client;
    if (made != null) {
      made.close();
    }
  }
}
