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
  enum Told {
    WELL,
    /** It answered, but that this failed. */
    CALL_FAILED,
    /** It is not there: no reply, or 502, 503, 504. */
    AWAY,
    NOTHING
  }

  static Told of(int status) {
    return switch (status) {
      case 502, 503, 504 -> Told.AWAY;
      default -> status >= 500 ? Told.CALL_FAILED : Told.WELL;
    };
  }

  /** Leave to make one call of a kind; ended exactly once. */
  record Permit(Breaker.Permit whole, Breaker.Permit kind) {
    void end(Told told) {
      switch (told) {
        case WELL -> both(Breaker.Verdict.GOOD, Breaker.Verdict.GOOD);
        case CALL_FAILED -> both(Breaker.Verdict.GOOD, Breaker.Verdict.BAD);
        case AWAY -> both(Breaker.Verdict.BAD, Breaker.Verdict.BAD);
        case NOTHING -> both(Breaker.Verdict.NOTHING, Breaker.Verdict.NOTHING);
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
      ofWhole.end(Breaker.Verdict.NOTHING);
      return null;
    }
    return new Permit(ofWhole, ofKind);
  }

  Duration retryAfter() {
    return whole.retryAfter();
  }

  /** Some of it is open. */
  boolean isOpen() {
    return whole.isOpen() || kinds.values().stream().anyMatch(Breaker::isOpen);
  }

  /** The whole is open, and no probe is due yet. */
  boolean isLeftAlone() {
    return whole.isLeftAlone();
  }
}
