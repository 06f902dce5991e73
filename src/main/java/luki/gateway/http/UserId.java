package luki.gateway.http;

import java.util.Optional;

/**
 * The id of a user, compared exactly. Slashes and controls are refused because the services decode
 * a path before they route it; a dot segment cannot be encoded away.
 */
public record UserId(String value) {
  public static final int MAX_LENGTH = 255;

  public UserId {
    if (!isValid(value)) {
      throw new IllegalArgumentException("not a user id");
    }
  }

  public static Optional<UserId> parse(String text) {
    return isValid(text) ? Optional.of(new UserId(text)) : Optional.empty();
  }

  private static boolean isValid(String text) {
    if (text.isEmpty()
        || text.codePointCount(0, text.length()) > MAX_LENGTH
        || text.equals(".")
        || text.equals("..")) {
      return false;
    }
    return text.chars().noneMatch(c -> c == '/' || c == '\\' || Character.isISOControl(c));
  }
}
