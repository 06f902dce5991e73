package luki.gateway.ticket;

import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import luki.gateway.http.ApiError;
import luki.gateway.http.ApiException;
import luki.gateway.http.Deadline;
import luki.gateway.http.ErrorCode;
import luki.http1.ByteBudget;
import org.jspecify.annotations.Nullable;

/** Keeps tickets in the memory of this process, within the budget of all messages. */
public final class MemoryTickets implements Tickets.Store {
  // The objects of an entry and its texts.
  private static final int ENTRY_BYTES = 256;

  private final ByteBudget.Lease memory;
  // The oldest first.
  private final SequencedMap<String, Entry> entries = new LinkedHashMap<>();

  private record Entry(ByteBuffer sealed, Deadline end) {
    int bytes() {
      return sealed.capacity() + ENTRY_BYTES;
    }
  }

  public MemoryTickets(ByteBudget budget) {
    memory = budget.lease();
    memory.heldBy("tickets");
  }

  @Override
  public synchronized void put(String id, byte[] sealed) {
    dropExpired();
    Entry entry = new Entry(ByteBuffer.wrap(sealed), Deadline.after(LIFETIME));
    if (!memory.tryTake(entry.bytes())) {
      throw new ApiException(ApiError.retrySoon(ErrorCode.OVERLOADED));
    }
    entries.put(id, entry);
  }

  @Override
  public synchronized byte @Nullable [] take(String id) {
    dropExpired();
    Entry entry = entries.remove(id);
    if (entry == null) {
      return null;
    }
    memory.give(entry.bytes());
    byte[] sealed = new byte[entry.sealed.remaining()];
    entry.sealed.get(sealed);
    return sealed;
  }

  private void dropExpired() {
    while (!entries.isEmpty() && entries.firstEntry().getValue().end.hasPassed()) {
      memory.give(entries.pollFirstEntry().getValue().bytes());
    }
  }

  @Override
  public synchronized void close() {
    memory.close();
  }
}
