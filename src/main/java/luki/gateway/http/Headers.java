package luki.gateway.http;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** Immutable field lines in their order; names compare without case (RFC 9110 §5.1). */
public final class Headers {
  public static final Headers NONE = new Headers(List.of());

  /** The head of every event stream; the last line keeps a router from holding events back. */
  public static final Headers EVENT_STREAM =
      builder()
          .add("Content-Type", "text/event-stream")
          .add("Cache-Control", "no-cache")
          .add("X-Accel-Buffering", "no")
          .build();

  private final List<Line> lines;

  private Headers(List<Line> lines) {
    this.lines = lines;
  }

  private record Line(String name, String value) {}

  public static Headers of(String name, String value) {
    return NONE.with(name, value);
  }

  public static Builder builder() {
    return new Builder();
  }

  /** The value when there is exactly one line of that name, else null. */
  public @Nullable String only(String name) {
    String found = null;
    for (Line line : lines) {
      if (line.name.equalsIgnoreCase(name)) {
        if (found != null) {
          return null;
        }
        found = line.value;
      }
    }
    return found;
  }

  public List<String> all(String name) {
    List<String> found = new ArrayList<>(1);
    for (Line line : lines) {
      if (line.name.equalsIgnoreCase(name)) {
        found.add(line.value);
      }
    }
    return found;
  }

  public boolean has(String name) {
    for (Line line : lines) {
      if (line.name.equalsIgnoreCase(name)) {
        return true;
      }
    }
    return false;
  }

  /** These lines with every line of that name replaced by one. */
  public Headers with(String name, String value) {
    return builder().addAll(this, name).add(name, value).build();
  }

  /** These lines, and each line of the defaults whose name is not here yet. */
  public Headers orElse(Headers defaults) {
    Builder builder = builder().addAll(this, null);
    for (Line line : defaults.lines) {
      if (!has(line.name)) {
        builder.add(line.name, line.value);
      }
    }
    return builder.build();
  }

  public void forEach(BiConsumer<String, String> action) {
    lines.forEach(line -> action.accept(line.name, line.value));
  }

  /** Collects lines; nothing is checked here, since values are made by the gateway. */
  public static final class Builder {
    private final List<Line> lines = new ArrayList<>();

    private Builder() {}

    public Builder add(String name, String value) {
      lines.add(new Line(name, value));
      return this;
    }

    private Builder addAll(Headers headers, @Nullable String except) {
      for (Line line : headers.lines) {
        if (!line.name.equalsIgnoreCase(except)) {
          lines.add(line);
        }
      }
      return this;
    }

    public Headers build() {
      return new Headers(List.copyOf(lines));
    }
  }
}
