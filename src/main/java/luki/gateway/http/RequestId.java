package luki.gateway.http;

import java.util.Optional;

/** The id of a request: a valid one from the caller, or a generated one. */
public record RequestId(String value) {
  private static final int MAX_LENGTH = 128;

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
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean harmless =
          (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || c == '.'
              || c == '_'
              || c == '-';
      if (!harmless) {
        return false;
      }
    }
    return !text.isEmpty() && text.length() <= MAX_LENGTH;
  }
}
