package luki.gateway.http;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** Immutable field lines in their order; names compare without case (RFC 9110 §5.1). */
public final class Headers {
  public static final Headers NONE = new Headers(new String[0], 0);

  /** The head of every event stream; the last line keeps a router from holding events back. */
  public static final Headers EVENT_STREAM =
      builder()
          .add("Content-Type", "text/event-stream")
          .add("Cache-Control", "no-cache")
          .add("X-Accel-Buffering", "no")
          .build();

  /** Names and values by turns. */
  private final String[] lines;

  private final int length;

  private Headers(String[] lines, int length) {
    this.lines = lines;
    this.length = length;
  }

  public static Headers of(String name, String value) {
    return new Headers(new String[] {name, value}, 2);
  }

  public static Builder builder() {
    return new Builder();
  }

  /** The value when there is exactly one line of that name, else null. */
  public @Nullable String only(String name) {
    String found = null;
    for (int i = 0; i < length; i += 2) {
      if (lines[i].equalsIgnoreCase(name)) {
        if (found != null) {
          return null;
        }
        found = lines[i + 1];
      }
    }
    return found;
  }

  public List<String> all(String name) {
    List<String> found = new ArrayList<>(1);
    for (int i = 0; i < length; i += 2) {
      if (lines[i].equalsIgnoreCase(name)) {
        found.add(lines[i + 1]);
      }
    }
    return found;
  }

  public boolean has(String name) {
    for (int i = 0; i < length; i += 2) {
      if (lines[i].equalsIgnoreCase(name)) {
        return true;
      }
    }
    return false;
  }

  /** These lines with every line of that name replaced by one. */
  public Headers with(String name, String value) {
    String[] more = new String[length + 2];
    int at = 0;
    for (int i = 0; i < length; i += 2) {
      if (!lines[i].equalsIgnoreCase(name)) {
        more[at++] = lines[i];
        more[at++] = lines[i + 1];
      }
    }
    more[at++] = name;
    more[at++] = value;
    return new Headers(more, at);
  }

  /** These lines, and each line of the defaults whose name is not here yet. */
  public Headers orElse(Headers defaults) {
    String[] more = Arrays.copyOf(lines, length + defaults.length);
    int at = length;
    for (int i = 0; i < defaults.length; i += 2) {
      if (!has(defaults.lines[i])) {
        more[at++] = defaults.lines[i];
        more[at++] = defaults.lines[i + 1];
      }
    }
    return new Headers(more, at);
  }

  public void forEach(BiConsumer<String, String> action) {
    for (int i = 0; i < length; i += 2) {
      action.accept(lines[i], lines[i + 1]);
    }
  }

  /** Collects lines; nothing is checked here, since values are made by the gateway. */
  public static final class Builder {
    private static final int USUAL_LINES = 12;

    private String[] lines = new String[2 * USUAL_LINES];
    private int length;

    private Builder() {}

    public Builder add(String name, String value) {
      if (length == lines.length) {
        lines = Arrays.copyOf(lines, 2 * length);
      }
      lines[length++] = name;
      lines[length++] = value;
      return this;
    }

    public Headers build() {
      return new Headers(Arrays.copyOf(lines, length), length);
    }
  }
}
