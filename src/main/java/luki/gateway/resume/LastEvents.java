package luki.gateway.resume;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The last events of a stream, numbered from 1. Not for several threads at once. */
final class LastEvents {
  private static final byte[] EVENT = "event: ".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] ID = "id: ".getBytes(StandardCharsets.US_ASCII);

  private final String stream;
  private final Map<Integer, byte[]> events = new HashMap<>();
  private int first = 1;
  private int last;
  private long bytes;

  LastEvents(String stream) {
    this.stream = stream;
  }

  /** Of all events together. */
  long bytes() {
    return bytes;
  }

  /** The number of the oldest event that is here, or that is to come. */
  int first() {
    return first;
  }

  /** The number of the last event, 0 before the first. */
  int last() {
    return last;
  }

  /** Whether all events after this one are here, or are still to come. */
  boolean goesOnAfter(int number) {
    return number >= first - 1 && number <= last;
  }

  /** An event; null where it has not come yet. */
  byte @Nullable [] get(int number) {
    return events.get(number);
  }

  void add(byte[] event) {
    last++;
    events.put(last, event);
    bytes += event.length;
  }

  /** Forgets the oldest up to this one; returns how many bytes they had. */
  long forgetUpTo(int number) {
    long before = bytes;
    for (; first <= number; first++) {
      byte[] event = events.remove(first);
      bytes -= event == null ? 0 : event.length;
    }
    return before - bytes;
  }

  /** The next event, with the id that a client resumes by in place of any that it has. */
  byte[] numbered(byte[] event) {
    int from = startsWith(event, 0, EVENT) ? endOfLine(event, 0) : 0;
    int to = startsWith(event, from, ID) ? endOfLine(event, from) : from;
    byte[] line = ("id: " + stream + ":" + (last + 1) + "\n").getBytes(StandardCharsets.US_ASCII);
    byte[] numbered = new byte[event.length - (to - from) + line.length];
    System.arraycopy(event, 0, numbered, 0, from);
    System.arraycopy(line, 0, numbered, from, line.length);
    System.arraycopy(event, to, numbered, from + line.length, event.length - to);
    return numbered;
  }

  private static boolean startsWith(byte[] event, int at, byte[] text) {
    for (int i = 0; i < text.length; i++) {
      if (at + i >= event.length || event[at + i] != text[i]) {
        return false;
      }
    }
    return true;
  }

  private static int endOfLine(byte[] event, int from) {
    int at = from;
    while (event[at] != '\n') {
      at++;
    }
    return at + 1;
  }
}
