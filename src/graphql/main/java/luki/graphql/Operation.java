package luki.graphql;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import luki.gateway.http.Method;
import luki.gateway.http.PercentCoding;
import org.jspecify.annotations.Nullable;

/**
 * An operation of the contract as a field.
 *
 * @param input the name of the argument that is the body; empty where there is none
 * @param hasData its success has a body
 * @param cost what one call takes of its caller's rate
 */
record Operation(
    String id,
    Method method,
    String template,
    List<String> inPath,
    List<String> inQuery,
    String input,
    boolean hasData,
    int cost) {
  static final String INPUT = "input";

  Operation {
    inPath = List.copyOf(inPath);
    inQuery = List.copyOf(inQuery);
  }

  /** A request to it; equal requests have equal replies. */
  record Call(Method method, String target, @Nullable String body) {
    byte[] bytes() {
      return body == null ? new byte[0] : body.getBytes(StandardCharsets.UTF_8);
    }
  }

  /** The request with these arguments. */
  Call call(Map<String, Object> arguments) {
    String path = template;
    for (String name : inPath) {
      String value = String.valueOf(arguments.get(name));
      path = path.replace("{" + name + "}", PercentCoding.encode(value));
    }
    List<String> query = new ArrayList<>();
    for (String name : inQuery) {
      Object value = arguments.get(name);
      if (value != null) {
        query.add(name + "=" + PercentCoding.encode(value.toString()));
      }
    }
    String target = query.isEmpty() ? path : path + "?" + String.join("&", query);
    return new Call(method, target, input.isEmpty() ? null : JsonValues.text(arguments.get(input)));
  }
}
