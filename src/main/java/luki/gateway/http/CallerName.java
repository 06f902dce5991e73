package luki.gateway.http;

import java.util.regex.Pattern;

/**
 * A caller as logs, bills and audit records name it: the beginning of a keyed hash, so that the
 * same caller can be recognised but not identified.
 *
 * @param value 16 lower-case hex digits; empty for an anonymous caller
 */
public record CallerName(String value) {
  private static final Pattern HEX = Pattern.compile("([0-9a-f]{16})?");

  public static final CallerName NOBODY = new CallerName("");

  public CallerName {
    if (!HEX.matcher(value).matches()) {
      throw new IllegalArgumentException("not a keyed hash");
    }
  }
}
