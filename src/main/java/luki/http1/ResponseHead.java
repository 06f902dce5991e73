package luki.http1;

/**
 * The head of a response.
 *
 * @param status 100–599
 * @param http11 false: HTTP/1.0
 */
public record ResponseHead(int status, boolean http11, Fields fields) {
  /** RFC 9112 §9.3: whether another request may follow on this connection. */
  public boolean keepsAlive() {
    return http11
        ? !fields.hasToken("Connection", "close")
        : fields.hasToken("Connection", "keep-alive");
  }
}
