package luki.gateway.consent;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import luki.gateway.http.BoundedCache;
import luki.gateway.http.Deadline;
import luki.gateway.http.UserId;
import org.jspecify.annotations.Nullable;

/**
 * Lets equal questions that are in flight share one call, and caches clear answers for as long as
 * the setting says; by default not at all. An outage is never cached.
 */
final class ConsentCache {
  private static final int MAX_KEPT = 10_000;

  private final long keptNanos;
  private final LongSupplier nanoTime;
  private final Map<Question, InFlight> inFlight = new ConcurrentHashMap<>();
  private final BoundedCache<Question, Kept> kept;

  ConsentCache(Duration keptFor, LongSupplier nanoTime) {
    this.keptNanos = keptFor.toNanos();
    this.nanoTime = nanoTime;
    this.kept = new BoundedCache<>(MAX_KEPT, old -> old.until - nanoTime.getAsLong() <= 0);
  }

  record Question(UserId user, List<String> scopes, String operation) {
    Question {
      scopes = List.copyOf(scopes);
    }
  }

  private record Kept(Consent.Answer answer, long until) {}

  /** Sends a question to the service. */
  @FunctionalInterface
  interface Asker {
    Consent.Answer ask() throws InterruptedException;
  }

  private static final class InFlight {
    private final CountDownLatch ended = new CountDownLatch(1);

    /** Null when the caller that asked was interrupted: then another has to ask. */
    private volatile Consent.@Nullable Answer answer;
  }

  /** The cached answer, the one that is in flight, or a new one. */
  Consent.Answer get(Question question, Deadline most, Asker asker) throws InterruptedException {
    Kept known = kept.get(question);
    if (known != null && known.until - nanoTime.getAsLong() > 0) {
      return known.answer;
    }
    while (true) {
      InFlight mine = new InFlight();
      InFlight other = inFlight.putIfAbsent(question, mine);
      if (other == null) {
        return lead(question, mine, asker);
      }
      if (!other.ended.await(most.left().toNanos(), TimeUnit.NANOSECONDS)) {
        return Consent.Answer.none();
      }
      Consent.Answer shared = other.answer;
      if (shared != null) {
        return shared;
      }
    }
  }

  private Consent.Answer lead(Question question, InFlight mine, Asker asker)
      throws InterruptedException {
    try {
      Consent.Answer answer = asker.ask();
      keep(question, answer);
      mine.answer = answer;
      return answer;
    } finally {
      inFlight.remove(question, mine);
      mine.ended.countDown();
    }
  }

  /** Caches a newer answer. */
  void keep(Question question, Consent.Answer answer) {
    if (keptNanos == 0 || answer.status() == Consent.ConsentStatus.UNAVAILABLE) {
      return;
    }
    long now = nanoTime.getAsLong();
    kept.put(question, new Kept(answer, now + keptNanos));
  }
}
