package luki.gateway.upstream;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import luki.gateway.config.GatewayFile;
import org.jspecify.annotations.Nullable;

/**
 * The breakers of one service: one for the service as a whole, opened by what says that it is not
 * there, and one for each kind of call, opened by its own failures too. So a route that always
 * fails is left alone without its neighbours.
 */
final class Circuit {
  private final GatewayFile.Breaker settings;
  private final LongSupplier nanoTime;
  private final Breaker whole;
  private final Map<String, Breaker> kinds = new ConcurrentHashMap<>();

  Circuit(GatewayFile.Breaker settings, LongSupplier nanoTime) {
    this.settings = settings;
    this.nanoTime = nanoTime;
    this.whole = new Breaker(settings, nanoTime);
  }

  /** What a call told. */
  enum CallResult {
    SUCCESS,
    /** It answered, but that this failed. */
    FAILURE,
    /** It is not there: no reply, or 502, 503, 504. */
    UNREACHABLE,
    IGNORED
  }

  static CallResult of(int status) {
    return switch (status) {
      case 502, 503, 504 -> CallResult.UNREACHABLE;
      default -> status >= 500 ? CallResult.FAILURE : CallResult.SUCCESS;
    };
  }

  /** Leave to make one call of a kind; ended exactly once. */
  record Permit(Breaker.Permit whole, Breaker.Permit kind) {
    void end(CallResult result) {
      switch (result) {
        case SUCCESS -> both(Breaker.Verdict.SUCCESS, Breaker.Verdict.SUCCESS);
        case FAILURE -> both(Breaker.Verdict.SUCCESS, Breaker.Verdict.FAILURE);
        case UNREACHABLE -> both(Breaker.Verdict.FAILURE, Breaker.Verdict.FAILURE);
        case IGNORED -> both(Breaker.Verdict.IGNORED, Breaker.Verdict.IGNORED);
      }
    }

    private void both(Breaker.Verdict ofWhole, Breaker.Verdict ofKind) {
      whole.end(ofWhole);
      kind.end(ofKind);
    }
  }

  /** Leave to call, or null while that is left alone. Kinds are few: they are route templates. */
  @Nullable Permit tryAcquire(String kind) {
    Breaker.Permit ofWhole = whole.tryAcquire();
    if (ofWhole == null) {
      return null;
    }
    Breaker.Permit ofKind =
        kinds.computeIfAbsent(kind, _ -> new Breaker(settings, nanoTime)).tryAcquire();
    if (ofKind == null) {
      ofWhole.end(Breaker.Verdict.IGNORED);
      return null;
    }
    return new Permit(ofWhole, ofKind);
  }

  Duration retryAfter() {
    return whole.retryAfter();
  }

  /** Some of it is open. */
  boolean isTripped() {
    return whole.isTripped() || kinds.values().stream().anyMatch(Breaker::isTripped);
  }

  /** The whole is open, and no probe is due yet. */
  boolean isOpen() {
    return whole.isOpen();
  }
}
