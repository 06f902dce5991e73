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
  CONNECT;

  /** RFC 9110 §9.2.1: asks for no change of state. */
  public boolean isSafe() {
    return switch (this) {
      case GET, HEAD, OPTIONS, TRACE -> true;
      case POST, PUT, PATCH, DELETE, CONNECT -> false;
    };
  }
}
