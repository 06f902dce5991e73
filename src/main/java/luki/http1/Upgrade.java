package luki.http1;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/** An exchange whose connection may go on in another protocol (RFC 9110 §7.8). */
public interface Upgrade {
  /**
   * Both ways of the connection.
   *
   * @param out is not buffered
   */
  record Streams(InputStream in, OutputStream out) {}

  /**
   * Answers 101. The handler then owns both streams until it returns, which closes the connection.
   *
   * @param fields of the reply, among them {@code Upgrade}; {@code Connection} is added
   * @throws IllegalStateException the request was not HTTP/1.1 with {@code Connection: upgrade},
   *     has a body, or was answered
   */
  Streams accept(Fields fields) throws IOException;
}
