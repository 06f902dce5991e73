package luki.gateway.upstream;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Queue;
import luki.http1.ByteBudget;
import org.jspecify.annotations.Nullable;

/**
 * Bytes to events by the grammar of the WHATWG HTML standard, "server-sent events", however the
 * bytes were split on the way. Lines are cut in bytes, so a character that was split is never
 * decoded in halves, and data stays bytes. Of an event only its data counts here: its type and id
 * are skipped.
 */
public final class EventParser {
  private static final int FIRST_BYTES = 512;
  private static final byte[] DATA = "data".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] BYTE_ORDER_MARK = "\uFEFF".getBytes(StandardCharsets.UTF_8);

  /** Up to this an event is part of what each stream takes. */
  private static final int SMALL = 2 * 1024;

  // The two buffers, each up to twice as long as what is in it, and the event.
  private static final int COPIES = 5;

  private final int maxEventBytes;
  private final ByteBudget.Lease memory;
  private ByteArrayOutputStream line = new ByteArrayOutputStream(FIRST_BYTES);
  private final Queue<Event> ready = new ArrayDeque<>();
  private ByteArrayOutputStream data = new ByteArrayOutputStream(FIRST_BYTES);
  private boolean hasData;
  private boolean firstLine = true;
  private boolean afterCr;
  private long eventBytes;
  private long held;

  /**
   * Makes a parser.
   *
   * @param maxEventBytes longest event with its field names; a longer one is an error
   * @param memory for events that are longer than usual
   */
  public EventParser(int maxEventBytes, ByteBudget.Lease memory) {
    this.maxEventBytes = maxEventBytes;
    this.memory = memory;
  }

  /** A dispatched event. */
  public static final class Event {
    private final byte[] bytes;
    private final long held;

    private Event(byte[] bytes, long held) {
      this.bytes = bytes;
      this.held = held;
    }

    /** Its data as it was sent. The array must not be changed. */
    public byte[] bytes() {
      return bytes;
    }

    /** What the parser has taken for it, to be given back by its consumer. */
    long held() {
      return held;
    }
  }

  /**
   * Takes the next bytes of the stream: so many, from the start of the array.
   *
   * @throws Failures.UnusableReply an event is too long
   * @throws ByteBudget.Exhausted there is no room for it
   */
  public void feed(byte[] bytes, int length) throws IOException {
    int begin = 0;
    for (int i = 0; i < length; i++) {
      byte b = bytes[i];
      if (b != '\n' && b != '\r') {
        afterCr = false;
      } else if (b == '\n' && afterCr) {
        afterCr = false;
        begin = i + 1;
      } else {
        count(i - begin);
        if (line.size() == 0) {
          endOfLine(bytes, begin, i);
        } else {
          line.write(bytes, begin, i - begin);
          byte[] whole = line.toByteArray();
          line.reset();
          endOfLine(whole, 0, whole.length);
        }
        begin = i + 1;
        afterCr = b == '\r';
      }
    }
    count(length - begin);
    line.write(bytes, begin, length - begin);
  }

  /** The next whole event, or null until more bytes have come. */
  public @Nullable Event poll() {
    return ready.poll();
  }

  private void count(int more) throws IOException {
    eventBytes += more;
    if (eventBytes > maxEventBytes) {
      throw new Failures.UnusableReply("event too long");
    }
    long needed = eventBytes <= SMALL ? 0 : COPIES * eventBytes;
    if (needed > held) {
      memory.take(needed - held);
      held = needed;
    }
  }

  private void endOfLine(byte[] bytes, int begin, int to) {
    int from = begin;
    if (firstLine) {
      firstLine = false;
      from += startsWith(BYTE_ORDER_MARK, bytes, from, to) ? BYTE_ORDER_MARK.length : 0;
    }
    if (from == to) {
      dispatch();
      return;
    }
    int colon = from + DATA.length;
    if (startsWith(DATA, bytes, from, to) && (colon == to || bytes[colon] == ':')) {
      int value = Math.min(colon + 1, to);
      value += value < to && bytes[value] == ' ' ? 1 : 0;
      if (hasData) {
        data.write('\n');
      }
      data.write(bytes, value, to - value);
      hasData = true;
    }
  }

  private static boolean startsWith(byte[] prefix, byte[] bytes, int from, int to) {
    int end = from + prefix.length;
    return end <= to && Arrays.equals(prefix, 0, prefix.length, bytes, from, end);
  }

  private void dispatch() {
    long kept = 0;
    if (hasData) {
      kept = held == 0 ? 0 : data.size();
      ready.add(new Event(data.toByteArray(), kept));
    }
    if (held > 0) {
      line = new ByteArrayOutputStream(FIRST_BYTES);
      data = new ByteArrayOutputStream(FIRST_BYTES);
      memory.give(held - kept);
      held = 0;
    }
    data.reset();
    hasData = false;
    eventBytes = 0;
  }
}
