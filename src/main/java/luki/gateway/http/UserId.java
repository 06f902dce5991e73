package luki.gateway.http;

import java.util.Optional;

/**
 * The id of a user, compared exactly. Only an id that can be a segment of a path is one, since a
 * user's data is erased by a path: 1 to 255 characters, none of {@code / \ ;} or a control, not a
 * dot segment, no escape such as {@code %2f}.
 */
public record UserId(String value) {
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
    return !text.isEmpty()
        && text.codePointCount(0, text.length()) <= MAX_LENGTH
        && Target.isUnambiguous(text);
  }
}
