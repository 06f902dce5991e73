package luki.gateway.tokens;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import luki.gateway.observe.FailureLog;
import luki.gateway.tokens.TrustedKey.KeySource;
import org.jspecify.annotations.Nullable;

/**
 * An issuer's JWK Set, fetched and cached. An unknown key id causes one fetch, at most once in 30
 * s; callers that need it wait for it. While the issuer is down the last good set stays in use, for
 * a day at most.
 */
final class RemoteJwkSet implements KeySource {
  private static final Duration UNKNOWN_KEY_PAUSE = Duration.ofSeconds(30);
  private static final Duration MAX_AGE = Duration.ofHours(24);
  static final Duration REFRESH = Duration.ofMinutes(5);

  private final Fetcher fetcher;
  private final LongSupplier nanoTime;
  private final ReentrantLock lock = new ReentrantLock();
  private volatile @Nullable Loaded loaded;
  private @Nullable Long askedForUnknown;
  private final FailureLog failures =
      new FailureLog(
          "jwks",
          "the issuer's keys cannot be loaded; the last good set stays in use",
          "the issuer's keys can be loaded again");

  RemoteJwkSet(Fetcher fetcher, LongSupplier nanoTime) {
    this.fetcher = fetcher;
    this.nanoTime = nanoTime;
  }

  /** Fetches the bytes of the set; empty when that fails. Bounded in time and size. */
  @FunctionalInterface
  interface Fetcher {
    Optional<byte[]> fetch() throws InterruptedException;
  }

  private record Loaded(JwkSet keys, long at, long generation) {}

  @Override
  public @Nullable List<TrustedKey> named(@Nullable String keyId) throws InterruptedException {
    if (isUnknown(keyId)) {
      loadUnknown(keyId);
    }
    Loaded now = usable();
    return now == null ? null : now.keys.named(keyId);
  }

  /** The set, null while there is none that is recent enough. */
  private @Nullable Loaded usable() {
    Loaded now = loaded;
    return now == null || nanoTime.getAsLong() - now.at > MAX_AGE.toNanos() ? null : now;
  }

  /** There is a set, and none of its keys has that id; one without an id may still be meant. */
  private boolean isUnknown(@Nullable String keyId) {
    Loaded now = usable();
    return keyId != null
        && now != null
        && now.keys.named(keyId).stream().noneMatch(key -> keyId.equals(key.id()));
  }

  /** Waits for a fetch in flight, which may bring the key, and fetches if none was made lately. */
  private void loadUnknown(@Nullable String keyId) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      long now = nanoTime.getAsLong();
      boolean may = askedForUnknown == null || now - askedForUnknown >= UNKNOWN_KEY_PAUSE.toNanos();
      if (may && isUnknown(keyId)) {
        boolean _ = load();
        // Not before: a fetch that was interrupted must not keep other callers from the key.
        askedForUnknown = now;
      }
    } finally {
      lock.unlock();
    }
  }

  /** Fetches the set; false if that fails and the last good one stays. */
  boolean load() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      Optional<JwkSet> fetched = fetcher.fetch().flatMap(JwkSet::ofJwks);
      if (fetched.isPresent()) {
        Loaded before = loaded;
        long generation = before == null ? 1 : before.generation + 1;
        loaded = new Loaded(fetched.get(), nanoTime.getAsLong(), generation);
        failures.succeeded();
      } else {
        failures.failed();
      }
      return fetched.isPresent();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public long generation() {
    Loaded now = usable();
    return now == null ? 0 : now.generation;
  }

  /** Seconds since the set was loaded, -1 while there is none. */
  long ageSeconds() {
    Loaded now = loaded;
    return now == null ? -1 : Duration.ofNanos(nanoTime.getAsLong() - now.at).toSeconds();
  }
}
