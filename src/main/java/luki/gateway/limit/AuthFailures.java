package luki.gateway.limit;

import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Failed authentications of each address. Only failures count, and only one that has too many is
 * refused; where instances share them, one learns of the others' at its own next failure.
 */
public final class AuthFailures {
  private static final int MAX = 200_000;

  private final Rate rate;
  private final @Nullable RedisLink link;
  private final LongSupplier micros;
  private final Buckets buckets = new Buckets(MAX);
  private final ConcurrentHashMap<Long, Long> blockedUntil = new ConcurrentHashMap<>();

  /**
   * Makes one.
   *
   * @param with null for this process alone
   */
  public AuthFailures(int perMinute, @Nullable SharedLimiter with, LongSupplier micros) {
    this.rate = Rate.of(perMinute, perMinute);
    this.link = with == null ? null : with.link();
    this.micros = micros;
  }

  public boolean isOff() {
    return rate.isOff();
  }

  /**
   * Whether the address may try.
   *
   * @param address a keyed hash of it, 16 hex digits
   * @return microseconds until it may; 0 for now
   */
  public long blockedFor(String address) {
    if (rate.isOff()) {
      return 0;
    }
    long now = micros.getAsLong();
    long id = Long.parseUnsignedLong(address, 16);
    RateStatus standing = buckets.look(id, rate, now);
    long here = standing.remaining() > 0 ? 0 : standing.nextTokenMicros();
    Long elsewhere = blockedUntil.get(id);
    return elsewhere == null ? here : Math.max(here, elsewhere - now);
  }

  /** Counts one; as {@link #blockedFor} when it was one too many. */
  public long failed(String address) {
    if (rate.isOff()) {
      return 0;
    }
    long now = micros.getAsLong();
    long id = Long.parseUnsignedLong(address, 16);
    RateStatus standing = buckets.take(id, rate, now, 1);
    return standing.admitted() ? failedElsewhere(address, id, now) : standing.waitMicros();
  }

  private long failedElsewhere(String address, long id, long now) {
    if (link == null) {
      return 0;
    }
    try {
      List<String> arguments =
          List.of("", Long.toString(rate.interval()), Long.toString(rate.burst()), "1");
      List<?> answer =
          (List<?>) link.run(Script.LEASE, List.of("luki:failures:" + address), arguments);
      if ((Long) answer.getFirst() > 0) {
        return 0;
      }
      long wait = (Long) answer.get(1);
      if (blockedUntil.size() < MAX) {
        blockedUntil.put(id, now + wait);
      }
      return wait;
    } catch (Limiter.Unavailable away) {
      // Its own count holds.
      return 0;
    }
  }

  /** To be called now and then. */
  public void sweep() {
    long now = micros.getAsLong();
    buckets.sweep(now);
    blockedUntil.values().removeIf(until -> until <= now);
  }
}
