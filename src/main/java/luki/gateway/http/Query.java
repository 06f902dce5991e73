package luki.gateway.http;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A query string, decoded as a form does ({@code +} is a space). */
public final class Query {
  public static final Query NONE = new Query(Map.of(), true);

  private final Map<String, List<String>> values;
  private final boolean wellFormed;

  private Query(Map<String, List<String>> values, boolean wellFormed) {
    this.values = values;
    this.wellFormed = wellFormed;
  }

  public static Query parse(String raw) {
    if (raw.isEmpty()) {
      return NONE;
    }
    Map<String, List<String>> values = new LinkedHashMap<>();
    boolean wellFormed = true;
    for (String pair : raw.split("&", -1)) {
      int equals = pair.indexOf('=');
      Optional<String> name =
          PercentCoding.decode(equals < 0 ? pair : pair.substring(0, equals), true);
      Optional<String> value =
          PercentCoding.decode(equals < 0 ? "" : pair.substring(equals + 1), true);
      if (name.isEmpty() || value.isEmpty()) {
        wellFormed = false;
      } else {
        values.computeIfAbsent(name.get(), _ -> new ArrayList<>(1)).add(value.get());
      }
    }
    return new Query(values, wellFormed);
  }

  /** False when an escape is broken or not UTF-8: the request is then refused. */
  public boolean isWellFormed() {
    return wellFormed;
  }

  public Set<String> names() {
    return values.keySet();
  }

  public List<String> all(String name) {
    return values.getOrDefault(name, List.of());
  }

  /** The value when the parameter occurs exactly once, else null. */
  public @Nullable String only(String name) {
    List<String> all = all(name);
    return all.size() == 1 ? all.getFirst() : null;
  }
}
