package luki.http1;

import java.io.IOException;
import java.io.OutputStream;

/** An exchange that can be answered without the JDK's header map. */
public interface RawReply {
  /** A length that is not known before: chunked in HTTP/1.1, until the close in HTTP/1.0. */
  long UNKNOWN = -1;

  /**
   * Sends the head, together with the first bytes of the body. {@code Date} and the framing are the
   * engine's; lines that speak of them are left out.
   *
   * @param usual lines that stand in every reply
   * @param fields the lines of this one
   * @param length exact, or {@link #UNKNOWN}; for HEAD what GET would have had
   * @return where the body goes; closing it ends the exchange, and not closing it aborts it
   * @throws IllegalStateException the exchange was answered
   */
  OutputStream reply(int status, RenderedFields usual, Fields fields, long length)
      throws IOException;
}
