package luki.gateway.consent;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import luki.gateway.consent.ConsentCache.Question;
import luki.gateway.http.ApiError;
import luki.gateway.http.ApiException;
import luki.gateway.http.Deadline;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.observe.Periodic;
import org.jspecify.annotations.Nullable;

/**
 * Ends answers that are being made when the caller's credential is revoked, expires or loses the
 * right to them, or when the user withdraws the consent to the memories in them. One task checks
 * all credentials. A user is asked again and again, once for all answers with the user's memories;
 * an outage ends none.
 */
public final class AccessWatch implements AutoCloseable {
  private static final Duration CHECK_INTERVAL = Duration.ofMillis(500);
  private static final Duration MIN_QUESTION_INTERVAL = Duration.ofMillis(1500);
  private static final int JITTER_MILLIS = 1000;

  private final RandomGenerator random;
  private final Set<Grant> grants = ConcurrentHashMap.newKeySet();
  private final Map<Question, Deadline> questions = new ConcurrentHashMap<>();
  private @Nullable Periodic checks;

  /**
   * Creates it; nothing is checked before {@link #start}.
   *
   * @param random so that not all users are asked at the same moment
   */
  public AccessWatch(RandomGenerator random) {
    this.random = random;
  }

  /**
   * Checks again and again.
   *
   * @param consent who is asked, as of now
   * @param refusal why the caller of a request, with the rights of now, may not have an answer
   */
  public void start(Supplier<Consent> consent, Function<Exchange, Optional<ApiError>> refusal) {
    checks = new Periodic("access-watch", () -> check(consent.get(), refusal));
  }

  /** What an answer in progress depends on; closed with the answer. */
  public final class Grant implements AutoCloseable {
    private final Exchange exchange;
    private final @Nullable Question subject;
    private final Runnable onRevocation;
    private final long begunNanos = System.nanoTime();
    private boolean closed;
    private volatile @Nullable ApiError revocation;

    private Grant(Exchange exchange, boolean withMemories, Runnable onRevocation) {
      this.exchange = exchange;
      this.subject = withMemories ? new Question(exchange.user(), exchange.consentRule()) : null;
      this.onRevocation = onRevocation;
    }

    /** Why the answer must end; null while it may go on. */
    public @Nullable ApiError revocation() {
      return revocation;
    }

    private synchronized void revoke(ApiError because) {
      if (!closed && revocation == null) {
        revocation = because;
        onRevocation.run();
      }
    }

    private void closeOrThrow() {
      close();
      ApiError because = revocation;
      if (because != null) {
        boolean _ = Thread.interrupted();
        throw new ApiException(because);
      }
    }

    @Override
    public synchronized void close() {
      closed = true;
      grants.remove(this);
    }
  }

  /**
   * Begins to watch for an answer.
   *
   * @param withMemories the answer depends on the user's consent too
   * @param onRevocation run at most once, on another thread, and not after the grant was closed
   */
  public Grant begin(Exchange exchange, boolean withMemories, Runnable onRevocation) {
    Grant grant = new Grant(exchange, withMemories, onRevocation);
    grants.add(grant);
    return grant;
  }

  /** A call that makes an answer. */
  @FunctionalInterface
  public interface Work<T> {
    T run() throws InterruptedException;
  }

  /**
   * Works on this thread, and interrupts it when the answer must end.
   *
   * @throws ApiException the answer must end
   */
  public <T> T during(Exchange exchange, boolean withMemories, Work<T> work)
      throws InterruptedException {
    Grant grant = begin(exchange, withMemories, Thread.currentThread()::interrupt);
    try {
      T result = work.run();
      grant.closeOrThrow();
      return result;
    } catch (InterruptedException | ApiException failed) {
      grant.closeOrThrow();
      throw failed;
    } finally {
      grant.close();
    }
  }

  private Duration check(Consent consent, Function<Exchange, Optional<ApiError>> refusal) {
    Map<Question, Grant> subjects = new HashMap<>();
    for (Grant grant : grants) {
      Optional<ApiError> refused = refusal.apply(grant.exchange);
      if (refused.isPresent()) {
        grant.revoke(refused.get());
      } else if (grant.subject != null) {
        subjects.putIfAbsent(grant.subject, grant);
      }
    }
    questions.keySet().retainAll(subjects.keySet());
    subjects.forEach((subject, any) -> askIfDue(consent, subject, any));
    return CHECK_INTERVAL;
  }

  private void askIfDue(Consent consent, Question subject, Grant any) {
    if (questions.computeIfAbsent(subject, _ -> next()).hasPassed()) {
      // The next one is due after the answer to this one.
      questions.put(subject, any.exchange.deadline());
      Thread.ofVirtual().name("consent-question").start(() -> ask(consent, subject, any.exchange));
    }
  }

  private Deadline next() {
    return Deadline.after(MIN_QUESTION_INTERVAL.plusMillis(random.nextInt(JITTER_MILLIS)));
  }

  private void ask(Consent consent, Question subject, Exchange exchange) {
    long asked = System.nanoTime();
    try {
      Consent.Answer answer = consent.askAnew(exchange, subject);
      for (Grant grant : grants) {
        boolean before = grant.begunNanos - asked < 0;
        if (answer.status() == Consent.ConsentStatus.DENIED
            && before
            && subject.equals(grant.subject)) {
          grant.revoke(ApiError.of(ErrorCode.CONSENT_DENIED));
        }
      }
    } catch (InterruptedException stopping) {
      Thread.currentThread().interrupt();
    } finally {
      questions.replace(subject, next());
    }
  }

  @Override
  public void close() {
    if (checks != null) {
      checks.close();
    }
  }
}
