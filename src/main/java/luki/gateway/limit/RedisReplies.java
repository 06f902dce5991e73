package luki.gateway.limit;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import luki.gateway.config.Settings.OnRedisLoss;
import luki.gateway.idempotency.MemoryReplies;
import luki.gateway.idempotency.ReplyStore;
import luki.gateway.observe.Periodic;

/**
 * Keeps replies in Redis for all instances. The mark of a request in progress expires unless it is
 * renewed, so that those of a crashed process are freed. While Redis is unavailable each instance
 * keeps replies in its own memory, or refuses every request with a key, as the settings say.
 */
final class RedisReplies implements ReplyStore {
  /** The limits wait for the same connection, so that no reply on it may be long. */
  private static final int MAX_BYTES = 64 * 1024;

  private static final char IN_PROGRESS = 'P';

  private final RedisExecutor redis;
  private final MemoryReplies local;
  private final OnRedisLoss onLoss;
  private final Duration lifetime;
  // By id: what this instance has marked in Redis.
  private final Map<String, Entry> marked = new ConcurrentHashMap<>();
  private final Periodic renewals;

  /**
   * Creates a store; Redis need not be reachable yet.
   *
   * @param lifetime of the mark of a request in progress that is not renewed
   */
  RedisReplies(RedisExecutor redis, MemoryReplies local, OnRedisLoss onLoss, Duration lifetime) {
    this.redis = redis;
    this.local = local;
    this.onLoss = onLoss;
    this.lifetime = lifetime;
    this.renewals = new Periodic("idempotency-renewals", this::renew);
  }

  private static Script.Call call(Script script, Entry entry) {
    return new Script.Call(script, entry.id()).addKey("reply", "");
  }

  @Override
  public int maxBytes() {
    return Math.min(MAX_BYTES, local.maxBytes());
  }

  @Override
  public Claim claim(Entry entry) {
    Claim known = local.find(entry);
    if (known != null) {
      return known;
    }
    try {
      Script.Call claim = call(Script.CLAIM, entry);
      long[] reply =
          redis.run(claim.add(entry.request()).add(entry.attempt()).add(lifetime.toMillis()));
      return switch ((int) reply[0]) {
        case 0 -> {
          marked.put(entry.id(), entry);
          yield new Claim.First();
        }
        case 1 -> new Claim.InProgress();
        case 2 -> new Claim.Mismatch();
        default -> new Claim.Kept(claim.bulk());
      };
    } catch (Limiter.Unavailable outage) {
      return onLoss == OnRedisLoss.DENY ? new Claim.Unavailable() : local.claim(entry);
    }
  }

  @Override
  public void keep(Entry entry, byte[] sealed) {
    if (marked.remove(entry.id(), entry)) {
      try {
        Script.Call keep = call(Script.KEEP, entry).add(entry.request()).add(entry.attempt());
        long[] _ = redis.run(keep.add(LIFETIME.toMillis()).add(sealed));
        return;
      } catch (Limiter.Unavailable outage) {
        // This instance can still answer a repeat.
      }
    }
    local.keep(entry, sealed);
  }

  @Override
  public void free(Entry entry) {
    if (!marked.remove(entry.id(), entry)) {
      local.free(entry);
      return;
    }
    try {
      long[] _ = redis.run(mark(entry, 0));
    } catch (Limiter.Unavailable outage) {
      // The mark expires.
    }
  }

  /** Renews the mark of a request in progress, or removes it at once for 0. */
  private static Script.Call mark(Entry entry, long millis) {
    return call(Script.MARK, entry)
        .add(IN_PROGRESS + entry.request() + entry.attempt())
        .add(millis);
  }

  private Duration renew() {
    marked.values().forEach(entry -> redis.submit(mark(entry, lifetime.toMillis())));
    return lifetime.dividedBy(3);
  }

  @Override
  public void close() {
    renewals.close();
    local.close();
  }
}
