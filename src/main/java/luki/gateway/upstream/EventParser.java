package luki.gateway.upstream;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * Bytes to events by the grammar of the WHATWG HTML standard, "server-sent events", however the
 * bytes were split on the way. Lines are cut in bytes, so a character that was split is never
 * decoded in halves, and data stays bytes.
 */
public final class EventParser {
  private static final byte[] DATA = "data".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] BYTE_ORDER_MARK = "\uFEFF".getBytes(StandardCharsets.UTF_8);

  private final int maxEventBytes;
  private final ByteArrayOutputStream line = new ByteArrayOutputStream(512);
  private final Queue<Event> ready = new ArrayDeque<>();
  private final ByteArrayOutputStream data = new ByteArrayOutputStream(512);
  private boolean hasData;
  private String type = "";
  private String lastId = "";
  private boolean firstLine = true;
  private boolean afterCr;
  private long eventBytes;

  /**
   * Makes a parser.
   *
   * @param maxEventBytes longest event with its field names; a longer one is an error
   */
  public EventParser(int maxEventBytes) {
    this.maxEventBytes = maxEventBytes;
  }

  /** A dispatched event. */
  public static final class Event {
    private final String type;
    private final byte[] data;
    private final String id;

    private Event(String type, byte[] data, String id) {
      this.type = type;
      this.data = data;
      this.id = id;
    }

    /** {@code message} where the stream named none. */
    public String type() {
      return type;
    }

    /** As it was sent. The array must not be changed. */
    public byte[] bytes() {
      return data;
    }

    /** Decoded; a malformed sequence becomes U+FFFD. */
    public String data() {
      return new String(data, StandardCharsets.UTF_8);
    }

    /** The last id of the stream, which also counts for later events. */
    public String id() {
      return id;
    }
  }

  /** An event that is longer than the gateway takes. */
  public static final class TooLong extends IOException {
    private static final long serialVersionUID = 1L;

    TooLong() {
      super("event too long");
    }
  }

  /** Takes the next bytes of the stream. */
  public void feed(byte[] bytes, int from, int length) throws TooLong {
    int begin = from;
    int end = from + length;
    for (int i = from; i < end; i++) {
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
    count(end - begin);
    line.write(bytes, begin, end - begin);
  }

  /** The next whole event, or null until more bytes have come. */
  public @Nullable Event poll() {
    return ready.poll();
  }

  private void count(int more) throws TooLong {
    eventBytes += more;
    if (eventBytes > maxEventBytes) {
      throw new TooLong();
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
    int colon = from;
    while (colon < to && bytes[colon] != ':') {
      colon++;
    }
    if (colon == from) {
      return; // A comment.
    }
    int value = Math.min(colon + 1, to);
    value += value < to && bytes[value] == ' ' ? 1 : 0;
    if (colon - from == DATA.length && startsWith(DATA, bytes, from, colon)) {
      if (hasData) {
        data.write('\n');
      }
      data.write(bytes, value, to - value);
      hasData = true;
    } else {
      field(text(bytes, from, colon), text(bytes, value, to));
    }
  }

  private static boolean startsWith(byte[] prefix, byte[] bytes, int from, int to) {
    int end = from + prefix.length;
    return end <= to && Arrays.equals(prefix, 0, prefix.length, bytes, from, end);
  }

  private static String text(byte[] bytes, int from, int to) {
    return new String(bytes, from, to - from, StandardCharsets.UTF_8);
  }

  private void field(String name, String value) {
    switch (name) {
      case "event" -> type = value;
      case "id" -> {
        if (value.indexOf('\0') < 0) {
          lastId = value;
        }
      }
      default -> {} // retry, and unknown names
    }
  }

  private void dispatch() {
    if (hasData) {
      ready.add(new Event(type.isEmpty() ? "message" : type, data.toByteArray(), lastId));
    }
    data.reset();
    hasData = false;
    type = "";
    eventBytes = 0;
  }
}
