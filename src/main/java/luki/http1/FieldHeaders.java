package luki.http1;

import com.sun.net.httpserver.Headers;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** {@link Fields} as the JDK's header map. The map is built when somebody uses it as a map. */
public final class FieldHeaders extends Headers {
  private final boolean readOnly;
  private Fields fields;
  private @Nullable Headers map;

  private FieldHeaders(Fields fields, boolean readOnly) {
    this.fields = fields;
    this.readOnly = readOnly;
  }

  public static FieldHeaders readOnly(Fields fields) {
    return new FieldHeaders(fields, true);
  }

  public static FieldHeaders empty() {
    return new FieldHeaders(Fields.NONE, false);
  }

  /**
   * The lines of any header map; the same object where the map was made of it.
   *
   * @throws IllegalArgumentException one of them is not a field line
   */
  public static Fields of(Headers headers) {
    if (headers instanceof FieldHeaders own && (own.map == null || own.readOnly)) {
      return own.fields;
    }
    Fields.Builder lines = new Fields.Builder();
    headers.forEach((name, values) -> values.forEach(value -> lines.add(name, value.strip())));
    return lines.build();
  }

  /** Adds the lines to an empty header map. */
  public static void fill(Headers headers, Fields fields) {
    if (headers instanceof FieldHeaders own && own.map == null) {
      own.fields = fields;
    } else {
      fields.forEach(headers::add);
    }
  }

  private Headers map() {
    Headers made = map;
    if (made == null) {
      made = new Headers();
      fields.forEach(made::add);
      made = readOnly ? Headers.of(made) : made;
      map = made;
    }
    return made;
  }

  @Override
  public int size() {
    return map().size();
  }

  @Override
  public boolean isEmpty() {
    return map().isEmpty();
  }

  @Override
  public boolean containsKey(Object name) {
    return map().containsKey(name);
  }

  @Override
  public boolean containsValue(Object value) {
    return map().containsValue(value);
  }

  @Override
  public @Nullable List<String> get(Object name) {
    return map().get(name);
  }

  @Override
  public @Nullable String getFirst(String name) {
    return map().getFirst(name);
  }

  @Override
  public @Nullable List<String> put(String name, List<String> values) {
    return map().put(name, values);
  }

  @Override
  public void add(String name, @Nullable String value) {
    map().add(name, value);
  }

  @Override
  public void set(String name, @Nullable String value) {
    map().set(name, value);
  }

  @Override
  public @Nullable List<String> remove(Object name) {
    return map().remove(name);
  }

  @Override
  public void putAll(Map<? extends String, ? extends List<String>> others) {
    map().putAll(others);
  }

  @Override
  public void clear() {
    map().clear();
  }

  @Override
  public Set<String> keySet() {
    return map().keySet();
  }

  @Override
  public Collection<List<String>> values() {
    return map().values();
  }

  @Override
  public Set<Map.Entry<String, List<String>>> entrySet() {
    return map().entrySet();
  }

  @Override
  public void replaceAll(
      BiFunction<? super String, ? super List<String>, ? extends List<String>> change) {
    map().replaceAll(change);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return map().equals(other);
  }

  @Override
  public int hashCode() {
    return map().hashCode();
  }

  @Override
  public String toString() {
    return map().toString();
  }
}
