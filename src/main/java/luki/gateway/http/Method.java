package luki.gateway.http;

import java.util.EnumSet;
import java.util.Map;
import java.util.stream.Collectors;

/** The methods of RFC 9110 §9.1 and PATCH (RFC 5789). Any other is 501. */
public enum Method {
  GET,
  HEAD,
  POST,
  PUT,
  PATCH,
  DELETE,
  OPTIONS,
  TRACE,
  CONNECT,
  /** An unknown method: 501, and {@code _OTHER} in metrics and the log. */
  OTHER;

  private static final Map<String, Method> BY_NAME =
      EnumSet.complementOf(EnumSet.of(OTHER)).stream()
          .collect(Collectors.toUnmodifiableMap(Method::name, method -> method));

  public static Method of(String name) {
    return BY_NAME.getOrDefault(name, OTHER);
  }

  /** From a closed set, for labels. */
  public String label() {
    return this == OTHER ? "_OTHER" : name();
  }

  /** RFC 9110 §9.2.1: asks for no change of state. */
  public boolean isSafe() {
    return switch (this) {
      case GET, HEAD, OPTIONS, TRACE -> true;
      case POST, PUT, PATCH, DELETE, CONNECT, OTHER -> false;
    };
  }
}
