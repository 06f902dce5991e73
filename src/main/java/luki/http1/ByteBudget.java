package luki.http1;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Bounds what all messages in memory may take together, in bytes. Room is taken before the memory
 * is; without room the message is refused, so that no mix of clients and services ends the process.
 */
public final class ByteBudget {
  /** Taken and given back in multiples of this, so that a usual request needs one of each. */
  private static final int GRAIN = 16 * 1024;

  private static final String UNAUTHENTICATED = "";

  private final long limit;
  private final AtomicLong used = new AtomicLong();
  // What the leases of each holder have, as far as it counts against its share.
  private final Map<String, Long> holders = new ConcurrentHashMap<>();

  public ByteBudget(long limit) {
    this.limit = limit;
  }

  /** For a single message with a bound of its own. */
  public static Lease unlimited() {
    return new ByteBudget(Long.MAX_VALUE).lease();
  }

  /** For an exchange, until its caller is known. Its first grain counts against no share. */
  public Lease lease() {
    return new Lease(this, GRAIN);
  }

  /** For heads, which are read before anything is known of the client. */
  public Lease headLease() {
    return new Lease(this, 0);
  }

  public long used() {
    return used.get();
  }

  private boolean tryTake(String holder, long more, long ofShare) {
    if (used.addAndGet(more) > limit) {
      used.addAndGet(-more);
      return false;
    }
    // All clients without a credential share a half, any other holder has at most a quarter.
    long share = holder.equals(UNAUTHENTICATED) ? limit / 2 : limit / 4;
    if (ofShare > 0 && holders.merge(holder, ofShare, Long::sum) > share) {
      give(holder, more, ofShare);
      return false;
    }
    return true;
  }

  private void give(String holder, long bytes, long ofShare) {
    used.addAndGet(-bytes);
    if (ofShare > 0) {
      holders.computeIfPresent(holder, (_, held) -> held > ofShare ? held - ofShare : null);
    }
  }

  /** There is no room. The message is refused, and may be repeated later. */
  public static final class Exhausted extends IOException {
    private static final long serialVersionUID = 1L;

    Exhausted() {
      super("no room in memory for this message");
    }

    /** No stack trace: clients decide how often it is thrown. */
    @Override
    public Throwable fillInStackTrace() {
      return this;
    }
  }

  /** What one message holds. For any number of threads; once it is closed there is no room. */
  public static final class Lease implements AutoCloseable {
    private static final int FIRST_BYTES = 2 * 1024;
    private static final int MAX_FIRST_BYTES = 64 * 1024;
    private static final int MAX_SPARE = 4 * GRAIN;

    private final ByteBudget budget;
    private final long free;
    private String holder = UNAUTHENTICATED;
    private long held;
    private long taken;
    private boolean closed;

    private Lease(ByteBudget budget, long free) {
      this.budget = budget;
      this.free = free;
    }

    /** From now on counts against the share of that caller, unless something counts already. */
    public synchronized void heldBy(String caller) {
      if (taken <= free) {
        holder = caller;
      }
    }

    /** Takes room for so many bytes more; false when there is none. */
    public synchronized boolean tryTake(long bytes) {
      long wanted = held + bytes;
      if (wanted > taken) {
        long whole = Math.ceilDiv(wanted, GRAIN) * GRAIN;
        if (closed || !budget.tryTake(holder, whole - taken, ofShare(whole) - ofShare(taken))) {
          return false;
        }
        taken = whole;
      }
      held = wanted;
      return true;
    }

    public void take(long bytes) throws Exhausted {
      if (!tryTake(bytes)) {
        throw new Exhausted();
      }
    }

    /** Whether there is room for so many bytes more now, without taking it. */
    public void check(long bytes) throws Exhausted {
      take(bytes);
      give(bytes);
    }

    public synchronized void give(long bytes) {
      held = Math.max(0, held - bytes);
      if (taken - held > MAX_SPARE) {
        shrink(Math.ceilDiv(held, GRAIN) * GRAIN);
      }
    }

    /** Gives everything back; more may be taken later. */
    public synchronized void clear() {
      held = 0;
      if (taken > 0) {
        shrink(0);
      }
    }

    private void shrink(long rest) {
      budget.give(holder, taken - rest, ofShare(taken) - ofShare(rest));
      taken = rest;
    }

    private long ofShare(long bytes) {
      return Math.max(0, bytes - free);
    }

    @Override
    public synchronized void close() {
      closed = true;
      clear();
    }

    /** As {@link InputStream#readNBytes(int)}, with room for each array. */
    public byte[] read(InputStream in, int most) throws IOException {
      long remaining = BlockInput.remainingOf(in);
      int longest = remaining < 0 ? most : (int) Math.min(remaining, most);
      if (remaining > MAX_FIRST_BYTES) {
        // Refused now rather than after most of it was read.
        check(longest);
      }
      int first = Math.min(longest, remaining < 0 ? FIRST_BYTES : MAX_FIRST_BYTES);
      take(first);
      byte[] bytes = new byte[first];
      int length = 0;
      boolean complete = false;
      try {
        while (length < longest) {
          if (length == bytes.length) {
            bytes = copied(bytes, (int) Math.min(2L * length, longest));
          }
          int n = in.read(bytes, length, bytes.length - length);
          if (n < 0) {
            break;
          }
          length += n;
        }
        bytes = length == bytes.length ? bytes : copied(bytes, length);
        complete = true;
        return bytes;
      } finally {
        if (!complete) {
          give(bytes.length);
        }
      }
    }

    /** A copy of another length, with the room of the copy in place of that of the bytes. */
    public byte[] copied(byte[] bytes, int length) throws Exhausted {
      take(length);
      byte[] copy = Arrays.copyOf(bytes, length);
      give(bytes.length);
      return copy;
    }
  }
}
