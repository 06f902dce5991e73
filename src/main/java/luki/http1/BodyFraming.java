package luki.http1;

import java.util.Arrays;
import luki.http1.BadMessage.Reason;

/** How a body is framed (RFC 9112 §6.3). */
public sealed interface BodyFraming {
  BodyFraming NONE = new None();
  BodyFraming CHUNKED = new Chunked();
  BodyFraming UNTIL_CLOSE = new UntilClose();

  /** No body, and no field states a length. */
  record None() implements BodyFraming {}

  /** That many bytes, perhaps 0. */
  record Fixed(long bytes) implements BodyFraming {}

  /** The chunked coding says where it ends. */
  record Chunked() implements BodyFraming {}

  /** All that comes until the connection is closed; only a response may do that. */
  record UntilClose() implements BodyFraming {}

  /**
   * Of a request.
   *
   * @throws BadMessage two readers might disagree about where it ends
   */
  static BodyFraming ofRequest(boolean http11, Fields fields) throws BadMessage {
    // §6.3, 7: without either field a request has no body.
    return declared(http11, fields, NONE);
  }

  /**
   * Of a response.
   *
   * @param method of the request
   * @throws BadMessage two readers might disagree about where it ends
   */
  static BodyFraming ofResponse(String method, int status, boolean http11, Fields fields)
      throws BadMessage {
    BodyFraming declared = declared(http11, fields, UNTIL_CLOSE);
    if (status < 200 || status == 204) {
      // §6.1: these never have a Transfer-Encoding.
      if (declared instanceof Chunked) {
        throw new BadMessage(Reason.FRAMING);
      }
      return NONE;
    }
    // §6.3, 1: here the fields describe what a GET or a 200 would have had.
    if (status == 304 || method.equals("HEAD")) {
      return NONE;
    }
    return declared;
  }

  private static BodyFraming declared(boolean http11, Fields fields, BodyFraming otherwise)
      throws BadMessage {
    String coding = fields.first("Transfer-Encoding");
    String length = fields.first("Content-Length");
    if (coding == null) {
      if (length == null) {
        return otherwise;
      }
      // RFC 9110 §8.6: 1*DIGIT. A repeated or listed value may be refused, and is.
      if (fields.count("Content-Length") > 1 || !Grammar.isDigits(length, 15)) {
        throw new BadMessage(Reason.FRAMING);
      }
      return new Fixed(Long.parseLong(length));
    }
    // §6.1: with Content-Length it may be an attempt at smuggling; HTTP/1.0 has no codings.
    if (length != null || !http11 || fields.count("Transfer-Encoding") > 1) {
      throw new BadMessage(Reason.FRAMING);
    }
    if (coding.equalsIgnoreCase("chunked")) {
      return CHUNKED;
    }
    // A list is a coding that is just unknown, rather than an attempt to hide one.
    boolean list =
        Arrays.stream(coding.split(",", -1)).allMatch(one -> Grammar.isToken(one.strip()));
    throw new BadMessage(list ? Reason.CODING : Reason.FRAMING);
  }
}
