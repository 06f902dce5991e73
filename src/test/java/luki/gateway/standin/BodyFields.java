package luki.gateway.standin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The fields of a body, checked as pydantic does: all errors are collected, {@link #check} throws
 * the 422, which quotes the input.
 */
final class BodyFields {
  private final JsonNode body;
  private final List<Map<String, @Nullable Object>> faults = new ArrayList<>();

  BodyFields(JsonNode body) {
    this.body = body;
  }

  static Routes.Rejection invalid(
      String type, List<Object> where, String message, @Nullable Object sent) {
    return rejection(List.of(PythonJson.object("type loc msg input", type, where, message, sent)));
  }

  static Routes.Rejection rejection(List<Map<String, @Nullable Object>> faults) {
    return new Routes.Rejection(StandInReply.detail(422, faults));
  }

  /** Throws when a field read so far was invalid. */
  void check() {
    if (!faults.isEmpty()) {
      throw rejection(List.copyOf(faults));
    }
  }

  JsonNode raw() {
    return body;
  }

  /** The field; a missing one and null are {@link JsonNode#isMissingNode}. */
  JsonNode optional(String name) {
    JsonNode value = body.path(name);
    return value.isNull() ? MissingNode.getInstance() : value;
  }

  String text(String name) {
    return text(name, 0, Integer.MAX_VALUE);
  }

  /** A required string; its length is counted in code points. */
  String text(String name, int min, int max) {
    JsonNode value = required(name);
    if (value.isMissingNode()) {
      return "";
    }
    if (!value.isTextual()) {
      fault("string_type", name, "Input should be a valid string", value, null);
      return "";
    }
    String text = value.textValue();
    int length = text.codePointCount(0, text.length());
    if (length < min) {
      String message = "String should have at least %d character".formatted(min) + plural(min);
      fault("string_too_short", name, message, value, Map.of("min_length", min));
    } else if (length > max) {
      String message = "String should have at most %d character".formatted(max) + plural(max);
      fault("string_too_long", name, message, value, Map.of("max_length", max));
    }
    return text;
  }

  /** An optional string. */
  @Nullable String optionalText(String name) {
    return optional(name).isMissingNode() ? null : text(name);
  }

  /** A required object. */
  JsonNode object(String name) {
    return dictionary(name, required(name));
  }

  /** An optional object. */
  JsonNode optionalObject(String name) {
    return dictionary(name, optional(name));
  }

  int integer(String name, int absent, int min, int max) {
    JsonNode value = body.path(name);
    if (value.isMissingNode()) {
      return absent;
    }
    if (!value.isIntegralNumber()) {
      fault("int_type", name, "Input should be a valid integer", value, null);
    } else if (value.longValue() > max) {
      String message = "Input should be less than or equal to " + max;
      fault("less_than_equal", name, message, value, Map.of("le", max));
    } else if (value.longValue() < min) {
      String message = "Input should be greater than or equal to " + min;
      fault("greater_than_equal", name, message, value, Map.of("ge", min));
    }
    return value.intValue();
  }

  /** One value of a fixed set. */
  String choice(String name, String absent, List<String> allowed) {
    JsonNode value = body.path(name);
    if (value.isMissingNode()) {
      return absent;
    }
    if (!value.isTextual() || !allowed.contains(value.textValue())) {
      notAmong(name, value, allowed);
    }
    return value.asText();
  }

  /** Optional strings of a fixed set; empty by default. */
  List<String> choices(String name, List<String> allowed) {
    List<String> texts = texts(name);
    if (!allowed.containsAll(texts)) {
      notAmong(name, body.path(name), allowed);
    }
    return texts;
  }

  /** Optional strings; empty by default. */
  List<String> texts(String name) {
    JsonNode value = optional(name);
    List<String> texts = new ArrayList<>();
    if (!value.isMissingNode() && !value.isArray()) {
      fault("list_type", name, "Input should be a valid list", value, null);
      return texts;
    }
    for (JsonNode element : value) {
      if (!element.isTextual()) {
        fault("string_type", name, "Input should be a valid string", element, null);
      }
      texts.add(element.asText());
    }
    return texts;
  }

  void fault(String type, String name, String message, JsonNode sent, @Nullable Object context) {
    Map<String, @Nullable Object> fault =
        PythonJson.object(
            "type loc msg input", type, List.of("body", name), message, PythonJson.plain(sent));
    if (context != null) {
      fault.put("ctx", context);
    }
    faults.add(fault);
  }

  private JsonNode required(String name) {
    JsonNode value = body.path(name);
    if (value.isMissingNode()) {
      fault("missing", name, "Field required", body, null);
    }
    return value;
  }

  private JsonNode dictionary(String name, JsonNode value) {
    if (!value.isMissingNode() && !value.isObject()) {
      fault("dict_type", name, "Input should be a valid dictionary", value, null);
    }
    return value;
  }

  private void notAmong(String name, JsonNode sent, List<String> allowed) {
    String expected = allowed.stream().map(a -> "'" + a + "'").collect(Collectors.joining(", "));
    fault("enum", name, "Input should be " + expected, sent, Map.of("expected", expected));
  }

  private static String plural(int count) {
    return count == 1 ? "" : "s";
  }
}
