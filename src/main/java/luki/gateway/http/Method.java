package luki.gateway.http;

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

  public static Method of(String name) {
    for (Method method : values()) {
      if (method != OTHER && method.name().equals(name)) {
        return method;
      }
    }
    return OTHER;
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
