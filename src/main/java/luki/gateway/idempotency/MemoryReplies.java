package luki.gateway.idempotency;

import java.time.Clock;
import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import luki.http1.ByteBudget;
import org.jspecify.annotations.Nullable;

/**
 * Keeps replies in the memory of this process: an eighth of the budget of all messages at most, and
 * of each caller a quarter of that. The oldest are dropped first.
 */
public final class MemoryReplies implements ReplyStore {
  // The objects of an entry and its texts.
  private static final int ENTRY_BYTES = 512;

  private final Map<String, Entry> inProgress = new HashMap<>();
  // By id, the oldest first.
  private final SequencedMap<String, Stored> stored = new LinkedHashMap<>();
  private final Map<String, Long> bytesOfCaller = new HashMap<>();
  private final ByteBudget.Lease memory;
  private final long limit;
  private final Clock clock;
  private long bytes;

  private record Stored(Entry entry, Claim.Kept reply, Instant expires) {
    int bytes() {
      return reply.sealed().length + ENTRY_BYTES;
    }
  }

  /** The budget is that of all messages in memory, in bytes. */
  public MemoryReplies(ByteBudget memory, long budget, Clock clock) {
    this.memory = memory.lease();
    this.memory.heldBy("kept replies");
    this.limit = budget / 8;
    this.clock = clock;
  }

  private long limitOfCaller() {
    return limit / 4;
  }

  @Override
  public int maxBytes() {
    return (int) Math.min(Integer.MAX_VALUE, limitOfCaller()) - ENTRY_BYTES;
  }

  @Override
  public synchronized Claim claim(Entry entry) {
    Claim known = find(entry);
    if (known == null) {
      inProgress.put(entry.id(), entry);
      return new Claim.First();
    }
    return known;
  }

  /** What is known of a key, or null. */
  public synchronized @Nullable Claim find(Entry entry) {
    Entry other = inProgress.get(entry.id());
    if (other != null) {
      return isSame(entry, other) ? new Claim.InProgress() : new Claim.Mismatch();
    }
    dropExpired();
    Stored known = stored.get(entry.id());
    if (known == null) {
      return null;
    }
    return isSame(entry, known.entry) ? known.reply : new Claim.Mismatch();
  }

  private static boolean isSame(Entry one, Entry other) {
    return one.request().equals(other.request());
  }

  @Override
  public synchronized void keep(Entry entry, byte[] sealed) {
    free(entry);
    dropExpired();
    Stored next = new Stored(entry, new Claim.Kept(sealed), clock.instant().plus(LIFETIME));
    long size = next.bytes();
    if (size > limitOfCaller()) {
      return;
    }
    while (bytesOfCaller.getOrDefault(entry.caller(), 0L) + size > limitOfCaller()) {
      dropOldest(entry.caller());
    }
    while (bytes + size > limit || !memory.tryTake(size)) {
      if (stored.isEmpty()) {
        return;
      }
      dropOldest(null);
    }
    bytes += size;
    bytesOfCaller.merge(entry.caller(), size, Long::sum);
    stored.put(entry.id(), next);
  }

  @Override
  public synchronized void free(Entry entry) {
    inProgress.remove(entry.id());
  }

  private void dropExpired() {
    Instant now = clock.instant();
    while (!stored.isEmpty() && !stored.firstEntry().getValue().expires.isAfter(now)) {
      dropped(stored.pollFirstEntry().getValue());
    }
  }

  /** Drops the oldest reply of a caller, or of all for null. */
  private void dropOldest(@Nullable String caller) {
    Stored oldest =
        stored.values().stream()
            .filter(reply -> caller == null || caller.equals(reply.entry.caller()))
            .findFirst()
            .orElseThrow();
    stored.remove(oldest.entry.id());
    dropped(oldest);
  }

  private void dropped(Stored reply) {
    bytes -= reply.bytes();
    memory.give(reply.bytes());
    bytesOfCaller.computeIfPresent(
        reply.entry.caller(), (_, held) -> held > reply.bytes() ? held - reply.bytes() : null);
  }

  @Override
  public synchronized void close() {
    memory.close();
  }
}
