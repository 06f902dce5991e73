package luki.gateway.webhook;

import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.atomic.LongAdder;
import java.util.random.RandomGenerator;
import luki.gateway.http.ApiException;
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
  private static final Duration INTERVAL = Duration.ofMillis(100);
  private static final Duration FORGETTING = Duration.ofMinutes(1);
  private static final int JITTER_PERCENT = 5;

  /** So many slots are left to first attempts, however many receivers fail. */
  private static final int ONLY_FIRST_ATTEMPTS = 8;

  static final int MAX_ENDED = 10_000;
  static final int MAX_WAITING = 1000;

  /** A result is decrypted, and made into a message, in arrays of their own. */
  private static final int COPIES = 3;

  private final Registry registry;
  private final Receiver receiver;
  private final AccessCheck access;
  private final ByteBudget memory;
  private final Clock clock;
  private final ExecutorService threads;
  private final RandomGenerator random;
  private final Slots inFlight = new Slots();
  final LongAdder failedAttempts = new LongAdder();
  final LongAdder deadJobs = new LongAdder();

  Deliveries(
      Registry registry,
      Receiver receiver,
      AccessCheck access,
      ByteBudget memory,
      ExecutorService threads,
      RandomGenerator random) {
    this.registry = registry;
    this.receiver = receiver;
    this.access = access;
    this.memory = memory;
    this.clock = receiver.clock();
    this.threads = threads;
    this.random = random;
  }

  /** Begins what is due; the pause until it is to be asked again. */
  Duration deliverDue() {
    List<Job> open = registry.openJobs();
    Set<String> surplus = surplus(open.stream().filter(this::isWaiting).toList(), MAX_WAITING);
    for (Job job : open) {
      boolean isSurplus = surplus.contains(job.id());
      boolean isFirst = job.attempts() == 0 && !job.isDeferred();
      int max = isFirst ? Slots.MAX : Slots.MAX - ONLY_FIRST_ATTEMPTS;
      if ((isSurplus || isDue(job)) && inFlight.take(job.id(), job.owner(), max) == null) {
        threads.execute(() -> run(job.id(), isSurplus));
      }
    }
    return INTERVAL;
  }

  /** Its receiver has failed or wants nothing now, or consent is unknown: it may wait for a day. */
  boolean isWaiting(Job job) {
    return job.state() == State.PENDING
        && (job.attempts() > 0
            || job.isDeferred()
            || new Webhook(registry.find(job.webhook())).isPaused());
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

  /**
   * Forgets jobs that ended long ago, or that are too many; erases results left behind. The pause
   * until it is to be done again.
   */
  Duration forget() {
    List<Job> ended =
        registry.all(each -> !each.at("job_id").isMissing() && !Job.isOpen(each)).stream()
            .map(Job::new)
            .toList();
    Set<String> surplus = surplus(ended, MAX_ENDED);
    try {
      for (String id : registry.results.jobs()) {
        if (!inFlight.contains(id) && !Job.isOpen(registry.find(id))) {
          registry.results.erase(id);
        }
      }
      for (Job job : ended) {
        if (surplus.contains(job.id()) || job.isForgotten(clock.instant())) {
          Json _ = registry.change(job.id(), _ -> Json.MISSING);
        }
      }
    } catch (IOException | ApiException failed) {
      LOG.error("results cannot be erased", Diagnostics.Field.reason(failed));
    }
    return FORGETTING;
  }

  private boolean isDue(Job job) {
    Json to = registry.find(job.webhook());
    Instant now = clock.instant();
    boolean lastStep = to.isMissing() || job.isExpired(now);
    return job.state() == State.PENDING
        && (lastStep || (!new Webhook(to).isPaused() && job.isDue(now)));
  }

  private void run(String id, boolean isSurplus) {
    try (ByteBudget.Lease lease = memory.lease()) {
      // As it is now: an attempt may have ended since it was found due.
      Job job = registry.job(id);
      Json to = registry.find(job.webhook());
      if (isSurplus) {
        end(job, State.DEAD, "not_accepted");
      } else if (to.isMissing()) {
        end(job, State.DROPPED, "webhook_deleted");
      } else if (isDue(job)) {
        deliver(job, new Webhook(to), lease);
      }
    } catch (InterruptedException closing) {
      Thread.currentThread().interrupt();
    } catch (IOException | RuntimeException failure) {
      postpone(id, failure);
    } finally {
      inFlight.release(id);
    }
  }

  /** Without memory, or with a disk that fails, it is tried again a little later. */
  private void postpone(String id, Exception failure) {
    if (threads.isShutdown()) {
      return;
    }
    LOG.error("a result cannot be delivered now", Diagnostics.Field.reason(failure));
    Instant now = clock.instant();
    Job later = registry.job(id).pendingUntil(now.plus(SCHEDULE.getFirst()), now);
    registry.changeEventually(id, later.from(State.PENDING));
  }

  /** Nobody knows whether the user consents: the receiver was not asked, so it is no attempt. */
  private Job deferred(Job job) {
    Instant now = clock.instant();
    long pause = SCHEDULE.getFirst().toMillis();
    return job.pendingUntil(now.plusMillis(pause + random.nextLong(pause)), now).deferred();
  }

  private void deliver(Job job, Webhook to, ByteBudget.Lease lease)
      throws IOException, InterruptedException {
    byte[] message = open(job, lease);
    if (message == null) {
      if (registry.job(job.id()).state() == State.PENDING) {
        become(deferred(job));
      }
      return;
    }
    Webhook.Attempt attempt = receiver.push(to, job.id(), message);
    Job next =
        attempt.isAccepted() ? job.attempted().in(State.DELIVERED, clock.instant()) : failed(job);
    // Until both are written it is not pushed again; the job first, since it may be pushed after a
    // crash.
    registry.changeEventually(job.id(), next.from(State.PENDING));
    registry.changeEventually(to.id(), attempt::addedTo);
    become(next);
  }

  private Job failed(Job job) {
    failedAttempts.increment();
    Instant now = clock.instant();
    if (job.attempts() >= SCHEDULE.size()) {
      return job.attempted().in(State.DEAD, now).because("not_accepted");
    }
    long pause = SCHEDULE.get(job.attempts()).toMillis();
    long jitter = random.nextLong(1 + pause * JITTER_PERCENT / 100);
    return job.attempted().pendingUntil(now.plusMillis(pause + jitter), now);
  }

  /**
   * The message with a result as long as the caller may have it; null where the job has ended now
   * for another reason, or where that cannot be known.
   */
  byte @Nullable [] open(Job job, ByteBudget.Lease lease) throws IOException, InterruptedException {
    lease.heldBy(job.owner());
    if (job.isExpired(clock.instant())) {
      return end(job, State.DEAD, "expired");
    }
    lease.take(COPIES * registry.results.size(job.id()));
    byte[] message = registry.results.read(job.id());
    if (message == null) {
      return end(job, State.DEAD, "lost");
    }
    AccessCheck.Verdict verdict = access.check(job);
    return switch (verdict) {
      case ALLOWED -> message;
      case ACCESS_LOST, CONSENT_WITHDRAWN ->
          end(job, State.DROPPED, verdict.name().toLowerCase(Locale.ROOT));
      case UNKNOWN -> null;
    };
  }

  private byte @Nullable [] end(Job job, State as, String why) throws IOException {
    become(job.in(as, clock.instant()).because(why));
    return null;
  }

  /** Stores what has become of a job that waited; then the result of one that has ended goes. */
  private void become(Job next) throws IOException {
    Json now = registry.change(next.id(), next.from(State.PENDING));
    if (next.state() == State.DEAD && now.equals(next.json())) {
      deadJobs.increment();
    }
    if (!next.state().isOpen()) {
      registry.results.erase(next.id());
    }
  }
}
