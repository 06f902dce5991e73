package luki.gateway.http;

import org.jspecify.annotations.Nullable;

/**
 * The field that makes a repeat of a request safe (draft-ietf-httpapi-idempotency-key-header). Its
 * value is a string of structured fields; the text without quotes is accepted too.
 */
public final class IdempotencyKey {
  public static final String FIELD = "Idempotency-Key";

  private static final int MAX_CHARACTERS = 255;

  private IdempotencyKey() {}

  /**
   * The key of a request. Null without the field, for an operation that takes no key, and where
   * {@link #parse} refuses it, as the validation does.
   */
  public static @Nullable String of(Exchange exchange) {
    if (!exchange.served().takesIdempotencyKey()) {
      return null;
    }
    String field = exchange.request().headers().first(FIELD);
    return field == null ? null : parse(field);
  }

  /** The key in the value of the field: 1 to 255 visible ASCII characters; null for another. */
  public static @Nullable String parse(String field) {
    int last = field.length() - 1;
    boolean quoted = field.startsWith("\"");
    if (quoted && (last < 1 || field.charAt(last) != '"')) {
      return null;
    }
    StringBuilder key = new StringBuilder(field.length());
    for (int i = quoted ? 1 : 0; i < (quoted ? last : last + 1); i++) {
      char c = field.charAt(i);
      if (quoted && c == '\\') {
        // RFC 9651 §3.3.3: only a quote and a backslash are escaped.
        c = field.charAt(++i);
        if (i == last || (c != '"' && c != '\\')) {
          return null;
        }
      } else if (c == '"') {
        return null;
      }
      if (c <= ' ' || c > '~') {
        return null;
      }
      key.append(c);
    }
    return key.isEmpty() || key.length() > MAX_CHARACTERS ? null : key.toString();
  }
}
