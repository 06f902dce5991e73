package luki.gateway.webhook;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.random.RandomGenerator;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.observe.Diagnostics;
import luki.gateway.webhook.Job.State;
import luki.http1.ByteBudget;
import org.jspecify.annotations.Nullable;

/**
 * Pushes results, each until its receiver has accepted it, by a schedule. A result is erased once
 * it was accepted, is not to be delivered any more, or is a day old. A receiver that fails or is
 * slow delays nobody else's results.
 */
final class Deliveries {
  /** Pauses after each attempt. With the longest jitter they end before the result is erased. */
  static final List<Duration> SCHEDULE =
      List.of(
          Duration.ofSeconds(5),
          Duration.ofMinutes(5),
          Duration.ofMinutes(30),
          Duration.ofHours(2),
          Duration.ofHours(5),
          Duration.ofHours(10),
          Duration.ofHours(5));

  private static final Diagnostics LOG = new Diagnostics("webhooks");
  private static final int JITTER_PERCENT = 5;

  /** So many slots are left to first attempts, however many receivers fail. */
  private static final int ONLY_FIRST_ATTEMPTS = 8;

  static final int MAX_ENDED = 10_000;
  static final int MAX_WAITING = 1000;

  /** A result is decrypted, and made into a message, in arrays of their own. */
  private static final int COPIES = 3;

  private final Store store;
  private final Receiver receiver;
  private final AccessCheck access;
  private final ExecutorService threads;
  private final RandomGenerator random;
  private final Slots inFlight = new Slots();
  final LongAdder failedAttempts = new LongAdder();
  final LongAdder deadJobs = new LongAdder();

  /** Where jobs and their results are. */
  record Store(Registry registry, Results results, ByteBudget memory, Clock clock) {
    Job job(String id) {
      return new Job(registry.find(id));
    }

    /**
     * Stores what a job has become, unless it has left that state meanwhile; only then anything may
     * follow from it.
     *
     * @return whether it was in that state
     */
    boolean put(State from, Job job) throws InterruptedException {
      AtomicBoolean wasThere = new AtomicBoolean();
      Registry.await(
          registry.change(
              job.id(),
              before -> {
                wasThere.set(new Job(before).state() == from);
                return wasThere.get() ? job.json() : before;
              }));
      return wasThere.get();
    }
  }

  Deliveries(
      Store store,
      Receiver receiver,
      AccessCheck access,
      ExecutorService threads,
      RandomGenerator random) {
    this.store = store;
    this.receiver = receiver;
    this.access = access;
    this.threads = threads;
    this.random = random;
  }

  /** Begins what is due. */
  void deliverDue() {
    List<Job> open = store.registry.openJobs();
    Set<String> surplus = surplus(open.stream().filter(this::isWaiting).toList(), MAX_WAITING);
    for (Job job : open) {
      boolean isSurplus = surplus.contains(job.id());
      if ((isSurplus || isDue(job)) && begin(job)) {
        threads.execute(() -> run(job, isSurplus));
      }
    }
  }

  /** Its receiver has failed, or wants nothing now: it may wait for a day. */
  boolean isWaiting(Job job) {
    return job.state() == State.PENDING
        && (job.attempts() > 0 || new Webhook(store.registry.find(job.webhook())).isPaused());
  }

  /** What is beyond a limit, of jobs with the oldest first: the oldest of who has most. */
  static Set<String> surplus(List<Job> jobs, int max) {
    Map<String, Deque<String>> owners = new HashMap<>();
    if (jobs.size() > max) {
      jobs.forEach(
          job -> owners.computeIfAbsent(job.owner(), _ -> new ArrayDeque<>()).add(job.id()));
    }
    Set<String> surplus = new HashSet<>();
    while (surplus.size() < jobs.size() - max) {
      surplus.add(
          Collections.max(owners.values(), Comparator.comparingInt(Deque::size)).removeFirst());
    }
    return surplus;
  }

  /** Forgets jobs that ended long ago, or that are too many; erases results left behind. */
  void forget() throws IOException {
    List<Job> ended =
        store.registry.all(each -> !each.at("job_id").isMissing() && !Job.isOpen(each)).stream()
            .map(Job::new)
            .toList();
    Set<String> surplus = surplus(ended, MAX_ENDED);
    for (Job job : ended) {
      if (surplus.contains(job.id()) || job.isForgotten(store.clock.instant())) {
        CompletableFuture<Void> _ = store.registry.remove(job.id(), false);
      }
    }
    for (String id : store.results.jobs()) {
      // What has become of the job is on the disk before its result is erased.
      if (!inFlight.contains(id)
          && store.registry.isWritten(id)
          && !Job.isOpen(store.registry.find(id))) {
        store.results.erase(id);
      }
    }
  }

  private boolean isDue(Job job) {
    Json to = store.registry.find(job.webhook());
    Instant now = store.clock.instant();
    boolean lastStep = to.isMissing() || job.isExpired(now);
    return job.state() == State.PENDING
        && (lastStep || (!new Webhook(to).isPaused() && job.isDue(now)));
  }

  private boolean begin(Job job) {
    int max = job.attempts() == 0 ? Slots.MAX : Slots.MAX - ONLY_FIRST_ATTEMPTS;
    return inFlight.take(job.id(), job.owner(), max) == null;
  }

  private void run(Job found, boolean isSurplus) {
    try {
      // As it is now: an attempt may have ended since it was found due.
      Job job = store.job(found.id());
      if (isSurplus && job.state() == State.PENDING) {
        end(job, State.DEAD, "not_accepted");
      } else if (isDue(job)) {
        deliver(job, store.registry.find(job.webhook()));
      }
    } catch (InterruptedException closing) {
      Thread.currentThread().interrupt();
    } catch (IOException | RuntimeException failure) {
      postpone(found, failure);
    } finally {
      inFlight.release(found.id());
    }
  }

  /** Without memory, or with a disk that fails, it is tried again a little later. */
  private void postpone(Job job, Exception failure) {
    if (threads.isShutdown()) {
      return;
    }
    LOG.error("a result cannot be delivered now", Diagnostics.Field.reason(failure));
    Instant now = store.clock.instant();
    CompletableFuture<Void> _ =
        store.registry.change(
            job.id(),
            before ->
                new Job(before).state() == State.PENDING
                    ? new Job(before).pendingUntil(now.plus(SCHEDULE.getFirst()), now).json()
                    : before);
  }

  private void deliver(Job job, Json to) throws IOException, InterruptedException {
    if (to.isMissing()) {
      end(job, State.DROPPED, "webhook_deleted");
      return;
    }
    Webhook webhook = new Webhook(to);
    try (ByteBudget.Lease lease = store.memory.lease()) {
      byte[] message = open(job, lease);
      if (message == null) {
        if (store.job(job.id()).state() == State.PENDING) {
          failed(job);
        }
        return;
      }
      Webhook.Attempt attempt = receiver.push(webhook, job.id(), message);
      CompletableFuture<Void> _ =
          store.registry.change(webhook.id(), now -> new Webhook(now).after(attempt).json());
      if (attempt.isAccepted()) {
        end(job.attempted(), State.DELIVERED, "");
      } else {
        failed(job);
      }
    }
  }

  private void failed(Job job) throws IOException, InterruptedException {
    failedAttempts.increment();
    if (job.attempts() >= SCHEDULE.size()) {
      end(job.attempted(), State.DEAD, "not_accepted");
      return;
    }
    long pause = SCHEDULE.get(job.attempts()).toMillis();
    Instant now = store.clock.instant();
    long jitter = random.nextLong(1 + pause * JITTER_PERCENT / 100);
    store.put(State.PENDING, job.attempted().pendingUntil(now.plusMillis(pause + jitter), now));
  }

  /**
   * The message with a result as long as the caller may have it; null where the job has ended now
   * for another reason, or where that cannot be known.
   */
  byte @Nullable [] open(Job job, ByteBudget.Lease lease) throws IOException, InterruptedException {
    lease.heldBy(job.owner());
    if (job.isExpired(store.clock.instant())) {
      return end(job, State.DEAD, "expired");
    }
    lease.take(COPIES * store.results.size(job.id()));
    byte[] stored = store.results.read(job.id());
    if (stored == null) {
      return end(job, State.DEAD, "lost");
    }
    int end = 0;
    while (stored[end] != '\n') {
      end++;
    }
    return switch (access.check(subject(Arrays.copyOf(stored, end)))) {
      case ALLOWED -> Arrays.copyOfRange(stored, end + 1, stored.length);
      case ACCESS_LOST -> end(job, State.DROPPED, "access_lost");
      case CONSENT_WITHDRAWN -> end(job, State.DROPPED, "consent_withdrawn");
      case UNKNOWN -> null;
    };
  }

  private static Json subject(byte[] line) {
    try {
      return Json.parse(line);
    } catch (InvalidJson cannotBe) {
      throw new IllegalStateException(cannotBe);
    }
  }

  /** A result as {@link #open} reads it. */
  static byte[] stored(Json subject, byte[] message) {
    byte[] head = (subject + "\n").getBytes(StandardCharsets.UTF_8);
    byte[] all = Arrays.copyOf(head, head.length + message.length);
    System.arraycopy(message, 0, all, head.length, message.length);
    return all;
  }

  /** Ends a job: that is on the disk before its result is erased. */
  private byte @Nullable [] end(Job job, State as, String why)
      throws IOException, InterruptedException {
    boolean isEnded = store.put(State.PENDING, job.in(as, store.clock.instant()).because(why));
    if (isEnded && as == State.DEAD) {
      deadJobs.increment();
    }
    store.results.erase(job.id());
    return null;
  }
}
