package luki.gateway.keys;

import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.zip.CRC32;
import luki.http1.AsciiSet;

/**
 * An API key as a caller sent it: {@code luki_<id>_<secret><checksum>} of 12, 43 and 6 base62
 * characters. Well-formed, so not a typo, but not known to be good. No text form shows it.
 */
public final class ApiKeyText {
  public static final String PREFIX = "luki_";

  private static final String BASE62 = AsciiSet.DIGITS_AND_LETTERS;
  private static final AsciiSet CHARACTERS = AsciiSet.alphanumericAnd("");
  private static final int ID = 12;
  private static final int SECRET = 43;
  private static final int CHECKSUM = 6;
  private static final int BODY = PREFIX.length() + ID + 1 + SECRET;

  private final String text;
  private final String id;

  private ApiKeyText(String text, String id) {
    this.text = text;
    this.id = id;
  }

  /** Empty when it does not look like a key, or its checksum says that it was mistyped. */
  public static Optional<ApiKeyText> parse(String text) {
    return isWellFormed(text) && text.endsWith(checksum(text))
        ? Optional.of(new ApiKeyText(text, text.substring(PREFIX.length(), PREFIX.length() + ID)))
        : Optional.empty();
  }

  private static boolean isWellFormed(String text) {
    int separator = PREFIX.length() + ID;
    return text.length() == BODY + CHECKSUM
        && text.startsWith(PREFIX)
        && CHARACTERS.containsAll(text, PREFIX.length(), separator)
        && text.charAt(separator) == '_'
        && CHARACTERS.containsAll(text, separator + 1, text.length());
  }

  /** A new key of 256 bits and more; the generator must be a secure one. */
  static ApiKeyText generate(RandomGenerator random) {
    String id = characters(random, ID);
    String body = PREFIX + id + "_" + characters(random, SECRET);
    return new ApiKeyText(body + checksum(body), id);
  }

  private static String characters(RandomGenerator random, int count) {
    StringBuilder text = new StringBuilder(count);
    for (int i = 0; i < count; i++) {
      text.append(BASE62.charAt(random.nextInt(BASE62.length())));
    }
    return text.toString();
  }

  /** Of the body, which is the whole text or its beginning: in base62, of six digits. */
  private static String checksum(String text) {
    CRC32 crc = new CRC32();
    for (int i = 0; i < BODY; i++) {
      crc.update(text.charAt(i));
    }
    char[] digits = new char[CHECKSUM];
    long rest = crc.getValue();
    for (int i = CHECKSUM - 1; i >= 0; i--) {
      digits[i] = BASE62.charAt((int) (rest % BASE62.length()));
      rest /= BASE62.length();
    }
    return new String(digits);
  }

  public String id() {
    return id;
  }

  /** The key itself: for its hash, and to show it once. */
  public String reveal() {
    return text;
  }

  @Override
  public String toString() {
    return "(API key " + id + ")";
  }
}
