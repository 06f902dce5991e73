package luki.gateway.ticket;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import luki.gateway.http.ApiError;
import luki.gateway.http.ApiException;
import luki.gateway.http.Deadline;
import luki.gateway.http.ErrorCode;
import luki.http1.ByteBudget;
import org.jspecify.annotations.Nullable;

/** Keeps tickets in the memory of this process, within the budget of all messages. */
public final class MemoryTickets implements TicketStore {
  private static final String HOLDER = "tickets";
  // The objects of an entry and its texts.
  private static final int ENTRY_BYTES = 256;

  private final ByteBudget.Lease memory;
  // The oldest first.
  private final Map<String, Entry> entries = new LinkedHashMap<>();

  private static final class Entry {
    private final byte[] sealed;
    private final Deadline end = Deadline.after(LIFETIME);

    Entry(byte[] sealed) {
      this.sealed = sealed;
    }

    int bytes() {
      return sealed.length + ENTRY_BYTES;
    }
  }

  public MemoryTickets(ByteBudget budget) {
    memory = budget.lease();
    memory.heldBy(HOLDER);
  }

  @Override
  public synchronized void put(String id, byte[] sealed) {
    dropExpired();
    Entry entry = new Entry(sealed);
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
    return entry.sealed;
  }

  private void dropExpired() {
    Iterator<Entry> oldest = entries.values().iterator();
    while (oldest.hasNext()) {
      Entry next = oldest.next();
      if (!next.end.hasPassed()) {
        return;
      }
      oldest.remove();
      memory.give(next.bytes());
    }
  }

  @Override
  public synchronized void close() {
    memory.close();
  }
}
