package luki.http1;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;

/** What an engine knows of an exchange beyond the JDK's type. */
public interface EngineExchange {
  /** The request target as it was sent; an absolute-form is reduced to its path and query. */
  String target();

  /**
   * The lines of the request's head.
   *
   * @throws IllegalArgumentException one of them is not a field line
   */
  Fields fields();

  /** The length of the request body in bytes, 0 for none, -1 where it is chunked. */
  long bodyLength();

  /** When the first byte of the request arrived, of {@link System#nanoTime}. */
  long receivedNanos();

  /**
   * The request body must have been read by then; a later read is refused as too slow. An engine
   * that has no such limit does nothing.
   *
   * @param nanos of {@link System#nanoTime}
   */
  default void readBodyBy(long nanos) {}

  /** Whether the client is known to have left; a failed write shows it too. */
  default boolean isPeerGone() {
    return false;
  }

  /**
   * From now until the end of the exchange the calling thread is interrupted when the client
   * leaves. An engine that cannot see that does nothing: there only a failed write shows it.
   *
   * @throws IllegalStateException the request body is not read to its end, or the head of the reply
   *     was sent
   */
  default void interruptWhenPeerLeaves() {}

  /**
   * How to find out, after the head of the reply, whether a client that has ended its sending is
   * still there.
   *
   * @param write makes the handler write something soon; run again and again, on another thread
   */
  default void onHalfClose(Runnable write) {}

  /**
   * As {@link HttpExchange#sendResponseHeaders}, with these lines.
   *
   * @param length of the body in bytes, 0 where it is unknown, -1 for none
   */
  void sendHead(int status, Fields fields, long length) throws IOException;

  /**
   * The lines of a header map.
   *
   * @throws IllegalArgumentException one of them is not a field line
   */
  static Fields fieldsOf(Headers headers) {
    Fields.Builder lines = new Fields.Builder();
    headers.forEach((name, values) -> values.forEach(value -> lines.add(name, value.strip())));
    return lines.build();
  }

  /** The engine's own view; for an engine without one, what the JDK's type says. */
  static EngineExchange of(HttpExchange exchange) {
    return exchange instanceof EngineExchange own ? own : new Standard(exchange, System.nanoTime());
  }

  /** An exchange of any other engine. */
  record Standard(HttpExchange exchange, long receivedNanos) implements EngineExchange {
    @Override
    public String target() {
      return exchange.getRequestURI().toString();
    }

    @Override
    public Fields fields() {
      return fieldsOf(exchange.getRequestHeaders());
    }

    @Override
    public long bodyLength() {
      Headers headers = exchange.getRequestHeaders();
      String length = headers.getFirst("Content-Length");
      if (headers.containsKey("Transfer-Encoding")) {
        return -1;
      }
      return length != null && Grammar.isDigits(length, 15) ? Long.parseLong(length) : 0;
    }

    @Override
    public void sendHead(int status, Fields fields, long length) throws IOException {
      fields.forEach(exchange.getResponseHeaders()::add);
      exchange.sendResponseHeaders(status, length);
    }
  }
}
