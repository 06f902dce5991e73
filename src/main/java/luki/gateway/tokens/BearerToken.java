package luki.gateway.tokens;

import java.util.Optional;

/** A bearer token as a caller sent it: not verified. No text form shows it. */
public final class BearerToken {
  private static final int MAX_LENGTH = 8 * 1024;

  private final String text;

  private BearerToken(String text) {
    this.text = text;
  }

  /** Empty when it is longer than any token that is accepted. */
  public static Optional<BearerToken> of(String text) {
    return text.length() <= MAX_LENGTH ? Optional.of(new BearerToken(text)) : Optional.empty();
  }

  String text() {
    return text;
  }

  @Override
  public String toString() {
    return "(bearer token)";
  }
}
