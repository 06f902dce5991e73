package luki.http1;

import java.net.http.HttpHeaders;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** Field lines in the order in which they stand; names as sent, compared without regard to case. */
public final class Fields {
  public static final Fields NONE = new Fields(new String[0], 0);

  private final String[] lines;
  private final int length;

  /** Names and values by turns; the array is not copied. */
  private Fields(String[] lines, int length) {
    this.lines = lines;
    this.length = length;
  }

  /** Of names and values by turns, checked as {@link Builder#add} does; an array is not copied. */
  public static Fields of(String... namesAndValues) {
    for (int i = 0; i < namesAndValues.length; i += 2) {
      check(namesAndValues[i], namesAndValues[i + 1]);
    }
    return new Fields(namesAndValues, namesAndValues.length);
  }

  private static void check(String name, String value) {
    if (!Grammar.isToken(name) || !Grammar.isFieldValue(value)) {
      throw new IllegalArgumentException("not a field line: " + name.length() + " characters");
    }
  }

  public HttpHeaders toHttpHeaders() {
    Map<String, List<String>> map = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    forEach((name, value) -> map.computeIfAbsent(name, _ -> new ArrayList<>()).add(value));
    return HttpHeaders.of(map, (_, _) -> true);
  }

  /** How many lines. */
  public int size() {
    return length / 2;
  }

  public String name(int line) {
    return lines[2 * line];
  }

  /** The value of the first line of that name, or null. */
  public @Nullable String first(String name) {
    for (int i = 0; i < length; i += 2) {
      if (lines[i].equalsIgnoreCase(name)) {
        return lines[i + 1];
      }
    }
    return null;
  }

  public boolean has(String name) {
    return first(name) != null;
  }

  /** How many lines have that name. */
  public int count(String name) {
    int count = 0;
    for (int i = 0; i < length; i += 2) {
      count += lines[i].equalsIgnoreCase(name) ? 1 : 0;
    }
    return count;
  }

  /** The value when exactly one line has that name, else null. */
  public @Nullable String only(String name) {
    return count(name) == 1 ? first(name) : null;
  }

  /** These lines, with one line of that name in place of any that there are. */
  public Fields with(String name, String value) {
    return with(of(name, value));
  }

  /** These lines, with the others in place of any of the same names. */
  public Fields with(Fields others) {
    String[] merged = new String[length + others.length];
    int at = 0;
    for (int i = 0; i < length; i += 2) {
      if (!others.has(lines[i])) {
        merged[at++] = lines[i];
        merged[at++] = lines[i + 1];
      }
    }
    System.arraycopy(others.lines, 0, merged, at, others.length);
    return new Fields(merged, at + others.length);
  }

  public List<String> all(String name) {
    if (count(name) <= 1) {
      // Nearly always, and without a list of its own.
      String only = first(name);
      return only == null ? List.of() : List.of(only);
    }
    List<String> values = new ArrayList<>();
    for (int i = 0; i < length; i += 2) {
      if (lines[i].equalsIgnoreCase(name)) {
        values.add(lines[i + 1]);
      }
    }
    return values;
  }

  public void forEach(BiConsumer<String, String> line) {
    for (int i = 0; i < length; i += 2) {
      line.accept(lines[i], lines[i + 1]);
    }
  }

  /** Whether a comma-separated field names the token, in any of its lines and in any case. */
  public boolean hasToken(String name, String token) {
    for (int i = 0; i < length; i += 2) {
      if (lines[i].equalsIgnoreCase(name) && lists(lines[i + 1], token)) {
        return true;
      }
    }
    return false;
  }

  /** RFC 9112 §9.3: whether another request may follow on this connection. */
  public boolean keepAlive(boolean http11) {
    return http11 ? !hasToken("Connection", "close") : hasToken("Connection", "keep-alive");
  }

  private static boolean lists(String value, String token) {
    if (value.equalsIgnoreCase(token)) {
      return true;
    }
    if (value.indexOf(',') < 0) {
      return false;
    }
    for (String member : value.split(",", -1)) {
      if (member.strip().equalsIgnoreCase(token)) {
        return true;
      }
    }
    return false;
  }

  /** Bytes that {@link #render} writes at most. */
  public int renderedLength() {
    int bytes = 2 * length;
    for (int i = 0; i < length; i++) {
      bytes += lines[i].length();
    }
    return bytes;
  }

  /**
   * Writes the lines, each with its CRLF, but those for framing, which are the engine's own.
   *
   * @return the position after them
   */
  public int render(byte[] into, int at) {
    int next = at;
    for (int i = 0; i < length; i += 2) {
      if (!Grammar.isFramingField(lines[i])) {
        next = Latin1.put(lines[i], into, next);
        into[next++] = ':';
        into[next++] = ' ';
        next = Latin1.put(lines[i + 1], into, next);
        into[next++] = '\r';
        into[next++] = '\n';
      }
    }
    return next;
  }

  /** Names only: values may be secrets. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("Fields[");
    forEach((name, _) -> text.append(text.length() > 7 ? ", " : "").append(name));
    return text.append(']').toString();
  }

  /** Collects lines. */
  public static final class Builder {
    private static final int USUAL_LINES = 12;
    private String[] lines = new String[2 * USUAL_LINES];
    private int length;

    /**
     * Adds a line.
     *
     * @throws IllegalArgumentException the name is no token, or the value one that might not be
     *     sent as it is
     */
    public Builder add(String name, String value) {
      check(name, value);
      return addParsed(name, value);
    }

    /** Adds lines that were checked when they were made. */
    public Builder addAll(Fields others) {
      for (int i = 0; i < others.length; i += 2) {
        addParsed(others.lines[i], others.lines[i + 1]);
      }
      return this;
    }

    /** For a parser that has checked both. */
    Builder addParsed(String name, String value) {
      if (length == lines.length) {
        lines = Arrays.copyOf(lines, 2 * length);
      }
      lines[length++] = name;
      lines[length++] = value;
      return this;
    }

    int size() {
      return length / 2;
    }

    /** The lines so far; no line may be added afterwards. */
    public Fields build() {
      return length == 0 ? NONE : new Fields(lines, length);
    }
  }
}
