package luki.gateway.http;

/**
 * A caller as logs, bills and audit records name it: the beginning of a keyed hash, so that the
 * same caller can be recognised but not identified.
 *
 * @param value 16 lower-case hex digits; empty for an anonymous caller
 */
public record CallerName(String value) {
  private static final int LENGTH = 16;

  public static final CallerName NOBODY = new CallerName("");

  public CallerName {
    boolean hex = value.chars().allMatch(c -> (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
    if (!hex || (value.length() != LENGTH && !value.isEmpty())) {
      throw new IllegalArgumentException("not a keyed hash");
    }
  }
}
