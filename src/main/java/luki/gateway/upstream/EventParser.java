package luki.gateway.upstream;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * Bytes to events by the grammar of the WHATWG HTML standard, "server-sent events", however the
 * bytes were split on the way. Line ends are ASCII, so lines are cut in bytes and decoded whole: a
 * character that a read has split is never seen in halves.
 */
public final class EventParser {
  private final int maxEventBytes;
  private final ByteArrayOutputStream line = new ByteArrayOutputStream(512);
  private final Queue<Event> ready = new ArrayDeque<>();
  private final StringBuilder data = new StringBuilder();
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

  /**
   * A dispatched event.
   *
   * @param type {@code message} where the stream named none
   * @param id the last one that the stream gave, which holds on for later events
   */
  public record Event(String type, String data, String id) {}

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
        collect(bytes, begin, i);
        begin = i + 1;
        afterCr = b == '\r';
        endOfLine();
      }
    }
    collect(bytes, begin, end);
  }

  /** The next whole event, or null until more bytes have come. */
  public @Nullable Event poll() {
    return ready.poll();
  }

  private void collect(byte[] bytes, int from, int to) throws TooLong {
    eventBytes += to - from;
    if (eventBytes > maxEventBytes) {
      throw new TooLong();
    }
    line.write(bytes, from, to - from);
  }

  private void endOfLine() {
    String text = line.toString(StandardCharsets.UTF_8);
    line.reset();
    if (firstLine) {
      firstLine = false;
      text = text.startsWith("\uFEFF") ? text.substring(1) : text;
    }
    if (text.isEmpty()) {
      dispatch();
      return;
    }
    int colon = text.indexOf(':');
    if (colon == 0) {
      return; // A comment.
    }
    String name = colon < 0 ? text : text.substring(0, colon);
    String value = colon < 0 ? "" : text.substring(colon + 1);
    field(name, value.startsWith(" ") ? value.substring(1) : value);
  }

  private void field(String name, String value) {
    switch (name) {
      case "data" -> {
        if (hasData) {
          data.append('\n');
        }
        data.append(value);
        hasData = true;
      }
      case "event" -> type = value;
      case "id" -> {
        if (value.indexOf('\0') < 0) {
          lastId = value;
        }
      }
      default -> {} // retry, and names that nobody knows
    }
  }

  private void dispatch() {
    if (hasData) {
      ready.add(new Event(type.isEmpty() ? "message" : type, data.toString(), lastId));
    }
    data.setLength(0);
    hasData = false;
    type = "";
    eventBytes = 0;
  }
}
