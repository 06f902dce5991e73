package luki.gateway.http;

import java.util.regex.Pattern;

/**
 * A caller as logs, bills and audit records name it: the beginning of a keyed hash, so that the
 * same caller can be followed and nobody can be found out by it.
 *
 * @param value 16 lower-case hex digits; empty for nobody
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
