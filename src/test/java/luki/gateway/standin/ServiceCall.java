package luki.gateway.standin;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A request after routing, with FastAPI's way of reading bodies and numbers in a query.
 *
 * @param params path parameters, decoded
 * @param query first value of each name, decoded
 */
record ServiceCall(Seen seen, Map<String, String> params, Map<String, String> query) {

  String param(String name) {
    String value = params.get(name);
    if (value == null) {
      throw new IllegalStateException("the route has no parameter " + name);
    }
    return value;
  }

  Optional<String> header(String name) {
    return seen.header(name);
  }

  /** The body as an object. */
  BodyFields fields() {
    JsonNode body = json();
    if (!body.isObject()) {
      throw notAnObject(PythonJson.plain(body));
    }
    return new BodyFields(body);
  }

  int intQuery(String name, int absent) {
    String text = query.get(name);
    if (text == null) {
      return absent;
    }
    try {
      return Integer.parseInt(text.strip());
    } catch (NumberFormatException e) {
      String message = "Input should be a valid integer, unable to parse string as an integer";
      throw BodyFields.invalid("int_parsing", List.of("query", name), message, text);
    }
  }

  private JsonNode json() {
    // The HTTP parser of the real service treats an h2c offer as an upgrade and drops the body.
    boolean dropped = header("upgrade").filter("h2c"::equalsIgnoreCase).isPresent();
    if (seen.body().isEmpty() || dropped) {
      throw BodyFields.invalid("missing", List.of("body"), "Field required", null);
    }
    // A body with another type than JSON is not parsed; a body without a type is.
    if (header("content-type").filter(type -> !type.contains("json")).isPresent()) {
      throw notAnObject(seen.body());
    }
    try {
      return PythonJson.read(seen.body());
    } catch (JsonProcessingException e) {
      throw notJson(e);
    }
  }

  private static Routes.Rejection notAnObject(Object sent) {
    String message = "Input should be a valid dictionary or object to extract fields from";
    return BodyFields.invalid("model_attributes_type", List.of("body"), message, sent);
  }

  private static Routes.Rejection notJson(JsonProcessingException e) {
    long position = e.getLocation() == null ? 0 : e.getLocation().getCharOffset();
    return BodyFields.rejection(
        List.of(
            PythonJson.object(
                "type loc msg input ctx",
                "json_invalid",
                List.of("body", position),
                "JSON decode error",
                Map.of(),
                Map.of("error", "Expecting value"))));
  }
}
