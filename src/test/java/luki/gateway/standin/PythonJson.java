package luki.gateway.standin;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * JSON and times as the Python services write them: compact and raw in bodies, escaped to ASCII in
 * streams.
 */
final class PythonJson {
  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  private static final DateTimeFormatter MICROS =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSS", Locale.ROOT)
          .withZone(ZoneOffset.UTC);

  private PythonJson() {}

  /**
   * An object.
   *
   * @param names of its members, separated by spaces
   * @param values in the same order
   */
  static Map<String, @Nullable Object> object(String names, @Nullable Object... values) {
    Map<String, @Nullable Object> object = new LinkedHashMap<>();
    String[] each = names.split(" ", -1);
    for (int i = 0; i < each.length; i++) {
      object.put(each[i], values[i]);
    }
    return object;
  }

  /** A time in UTC with microseconds, usually without a zone. */
  static String zoneless(Instant instant) {
    return MICROS.format(instant);
  }

  /** The time format of the security service. */
  static String zoned(Instant instant) {
    return MICROS.format(instant) + "+00:00";
  }

  static String write(Object value) {
    try {
      return MAPPER.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("not expressible as JSON", e);
    }
  }

  /** The same with each non-ASCII character as a lower-case escape, as Python does by default. */
  static String writeAscii(Object value) {
    StringBuilder ascii = new StringBuilder();
    for (char c : write(value).toCharArray()) {
      if (c < 0x7f) {
        ascii.append(c);
      } else {
        ascii.append("\\u%04x".formatted((int) c));
      }
    }
    return ascii.toString();
  }

  static JsonNode read(String text) throws JsonProcessingException {
    return MAPPER.readTree(text);
  }

  /** A parsed value as maps, lists and scalars. */
  static Object plain(JsonNode node) {
    return MAPPER.convertValue(node, Object.class);
  }
}
