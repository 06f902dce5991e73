package luki.gateway.http;

import java.util.Optional;

/** The id of a request: a valid one from the caller, or a generated one. */
public record RequestId(String value) {
  private static final int MAX_LENGTH = 128;
  private static final AsciiSet CHARACTERS = AsciiSet.alphanumericAnd("._-");

  public RequestId {
    if (!isHarmless(value)) {
      throw new IllegalArgumentException("not a request id");
    }
  }

  public static Optional<RequestId> parse(String text) {
    return isHarmless(text) ? Optional.of(new RequestId(text)) : Optional.empty();
  }

  /** 1 to 128 of {@code A-Za-z0-9._-}. */
  private static boolean isHarmless(String text) {
    return !text.isEmpty()
        && text.length() <= MAX_LENGTH
        && CHARACTERS.containsAll(text, 0, text.length());
  }
}
