package luki.gateway.consent;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import luki.gateway.http.BoundedCache;
import luki.gateway.http.Deadline;
import luki.gateway.http.Policy.ConsentRule;
import luki.gateway.http.UserId;

/**
 * Lets equal questions that are in flight share one call, and caches clear answers for as long as
 * the setting says; by default not at all. An outage is never cached.
 */
final class ConsentCache {
  private static final int MAX_KEPT = 10_000;

  private final long keptNanos;
  private final LongSupplier nanoTime;
  private final Map<Question, CompletableFuture<Consent.Answer>> inFlight =
      new ConcurrentHashMap<>();
  private final BoundedCache<Question, Kept> kept;
  // Increases with each change of consent: an answer from before one is not cached after it.
  private final AtomicLong changes = new AtomicLong();

  ConsentCache(Duration keptFor, LongSupplier nanoTime) {
    this.keptNanos = keptFor.toNanos();
    this.nanoTime = nanoTime;
    this.kept = new BoundedCache<>(MAX_KEPT, old -> old.until - nanoTime.getAsLong() <= 0);
  }

  record Question(UserId user, List<String> scopes, String operation) {
    Question {
      scopes = List.copyOf(scopes);
    }

    Question(UserId user, ConsentRule rule) {
      this(user, rule.scopes(), rule.operation());
    }
  }

  private record Kept(Consent.Answer answer, long until) {}

  /** Sends a question to the service. */
  @FunctionalInterface
  interface Asker {
    Consent.Answer ask() throws InterruptedException;
  }

  /** The cached answer, the one that is in flight, or a new one. */
  Consent.Answer get(Question question, Deadline limit, Asker asker) throws InterruptedException {
    Kept known = kept.get(question);
    if (known != null && known.until - nanoTime.getAsLong() > 0) {
      return known.answer;
    }
    while (true) {
      CompletableFuture<Consent.Answer> mine = new CompletableFuture<>();
      CompletableFuture<Consent.Answer> other = inFlight.putIfAbsent(question, mine);
      if (other == null) {
        return ask(question, mine, asker);
      }
      try {
        return other.get(limit.left().toNanos(), TimeUnit.NANOSECONDS);
      } catch (TimeoutException late) {
        return Consent.Answer.none();
      } catch (CancellationException | ExecutionException notAsked) {
        // The caller that asked was interrupted, so another has to ask.
      }
    }
  }

  private Consent.Answer ask(Question question, CompletableFuture<Consent.Answer> mine, Asker asker)
      throws InterruptedException {
    try {
      Consent.Answer answer = renew(question, asker);
      inFlight.remove(question, mine);
      mine.complete(answer);
      return answer;
    } finally {
      inFlight.remove(question, mine);
      mine.cancel(false);
    }
  }

  /** Asks, and caches the answer. */
  Consent.Answer renew(Question question, Asker asker) throws InterruptedException {
    long before = changes.get();
    Consent.Answer answer = asker.ask();
    if (keptNanos > 0 && answer.status() != Consent.ConsentStatus.UNAVAILABLE) {
      kept.put(question, new Kept(answer, nanoTime.getAsLong() + keptNanos));
      if (changes.get() != before) {
        kept.remove(question);
      }
    }
    return answer;
  }

  /** The user's consent was changed: what was asked before says nothing any more. */
  void forget(UserId user) {
    changes.incrementAndGet();
    inFlight.keySet().removeIf(question -> question.user.equals(user));
    kept.removeIf(question -> question.user.equals(user));
  }
}
