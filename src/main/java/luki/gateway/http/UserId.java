package luki.gateway.http;

import java.util.Optional;

/**
 * The id of a user, compared exactly. Only an id that can be a segment of a path is one, since a
 * user's data is erased by a path: 1 to 255 characters, none of {@code / \ ;} or a control, not a
 * dot segment, no escape such as {@code %2f}.
 */
public record UserId(String value) {
  /** The rule as a regular expression, as the contract has it; without the length. */
  public static final String PATTERN =
      "^(?!\\.{1,2}$)(?![^/]*%[0-9A-Fa-f]{2})[^/\\\\;\\u0000-\\u001f\\u007f-\\u009f]+$";

  private static final int MAX_LENGTH = 255;

  public UserId {
    if (!isValid(value)) {
      throw new IllegalArgumentException("not a user id");
    }
  }

  public static Optional<UserId> parse(String text) {
    return isValid(text) ? Optional.of(new UserId(text)) : Optional.empty();
  }

  /** Of the id of an item: all before the last underscore, since ids of users may have some. */
  public static String ownerOf(String itemId) {
    return itemId.substring(0, Math.max(0, itemId.lastIndexOf('_')));
  }

  private static boolean isValid(String text) {
    return text.codePointCount(0, text.length()) <= MAX_LENGTH && matches(text);
  }

  /** Whether it matches {@link #PATTERN} and has no half of a surrogate pair. */
  public static boolean matches(String text) {
    return !text.isEmpty() && Target.isUnambiguous(text);
  }
}
