package luki.http1;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;

/** Answers messages that an engine refuses; the connection is closed after the reply. */
@FunctionalInterface
public interface Refusals {
  /** The status alone. */
  Refusals BARE = (exchange, reason) -> exchange.sendResponseHeaders(reason.status(), -1);

  /**
   * Called once for each refused message.
   *
   * @param exchange with the head as far as it was read: an empty method or target where the
   *     message was refused before that; it has no body
   */
  void handle(HttpExchange exchange, BadMessage.Reason reason) throws IOException;
}
