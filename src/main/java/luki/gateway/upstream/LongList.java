package luki.gateway.upstream;

import java.io.IOException;
import java.io.InputStream;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.ItemReader;
import luki.gateway.json.Json;
import luki.http1.BlockInput;
import luki.http1.ByteBudget;

/**
 * A list in a reply that may be longer than {@code MAX_REPLY_BYTES}. It is read as it arrives: the
 * item that is being read and those that the receiver keeps take memory.
 *
 * @param name of the member that is the list
 */
public record LongList(String name, Receiver receiver) {
  private static final long MAX_BYTES = 64L * 1024 * 1024;

  /** Gets the items of each attempt. */
  public interface Receiver extends ItemReader.Items {
    /** An attempt begins: the items of an earlier one are dropped. */
    void begin();
  }

  /** Reads the reply. The result is the reply with an empty list. */
  byte[] read(InputStream body, ByteBudget.Lease memory) throws IOException {
    receiver.begin();
    try (Bounded bounded = new Bounded(body, memory)) {
      ItemReader.Items items =
          (item, size) -> {
            bounded.release();
            receiver.item(item, size);
          };
      return new ItemReader(name, items).read(bounded).bytes();
    } catch (InvalidJson notJson) {
      throw new Failures.UnusableReply("not JSON");
    }
  }

  /** Takes memory for what is read, until it is released. */
  private static final class Bounded extends BlockInput {
    private final InputStream in;
    private final ByteBudget.Lease memory;
    private long total;
    private long taken;

    Bounded(InputStream in, ByteBudget.Lease memory) {
      this.in = in;
      this.memory = memory;
    }

    void release() {
      memory.give(taken);
      taken = 0;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      int n = in.read(into, offset, length);
      if (n > 0) {
        total += n;
        if (total > MAX_BYTES) {
          throw new Failures.UnusableReply("too long");
        }
        long needed = Json.memoryOf(into, offset, offset + n) + 2L * n;
        memory.take(needed);
        taken += needed;
      }
      return n;
    }

    @Override
    public void close() {
      release();
    }
  }
}
