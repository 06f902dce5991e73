package luki.gateway.consent;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import luki.gateway.http.Deadline;
import luki.gateway.http.Exchange;
import luki.gateway.http.Policy.ConsentRule;
import luki.gateway.http.UserId;

/**
 * Checks consent again while streams use a user's memories. One question serves all streams of a
 * user and delays none of them; an outage ends none.
 */
public final class ConsentWatch {
  private static final Duration EVERY = Duration.ofMillis(2500);

  private final Consent consent;
  private final Map<Subject, Shared> watched = new ConcurrentHashMap<>();

  public ConsentWatch(Consent consent) {
    this.consent = consent;
  }

  private record Subject(UserId user, ConsentRule rule) {}

  /** The state that the streams of one user share. */
  private static final class Shared {
    private final AtomicBoolean asking = new AtomicBoolean();
    private volatile boolean withdrawn;
    private volatile Deadline next = Deadline.after(EVERY);
    private int streams;
  }

  /** The watch of one stream; closed with the stream. */
  public final class Watch implements AutoCloseable {
    private final Subject subject;
    private final Shared shared;
    private final Exchange exchange;

    private Watch(Subject subject, Shared shared, Exchange exchange) {
      this.subject = subject;
      this.shared = shared;
      this.exchange = exchange;
    }

    /** Whether the user has withdrawn consent since the stream began, as far as is known. */
    public boolean isWithdrawn() {
      if (shared.next.hasPassed() && shared.asking.compareAndSet(false, true)) {
        Thread.ofVirtual().name("consent-watch").start(() -> ask(subject, shared, exchange));
      }
      return shared.withdrawn;
    }

    @Override
    public void close() {
      watched.computeIfPresent(
          subject,
          (_, now) -> {
            now.streams--;
            return now.streams == 0 ? null : now;
          });
    }
  }

  /** Begins to watch for a stream. */
  public Watch begin(Exchange exchange) {
    Subject subject = new Subject(exchange.user(), exchange.consentRule());
    Shared shared =
        watched.compute(
            subject,
            (_, before) -> {
              Shared now = before == null ? new Shared() : before;
              now.streams++;
              return now;
            });
    return new Watch(subject, shared, exchange);
  }

  private void ask(Subject subject, Shared shared, Exchange exchange) {
    try {
      Consent.ConsentStatus status =
          consent
              .askAnew(exchange, subject.user, subject.rule.scopes(), subject.rule.operation())
              .status();
      if (status == Consent.ConsentStatus.DENIED) {
        shared.withdrawn = true;
      }
    } catch (InterruptedException stopping) {
      Thread.currentThread().interrupt();
    } finally {
      shared.next = Deadline.after(EVERY);
      shared.asking.set(false);
    }
  }
}
