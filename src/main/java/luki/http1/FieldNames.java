package luki.http1;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Names of fields and methods that nearly every message has, so that they are made once and not for
 * each message. Being interned, they are the same objects as the constants that code looks for.
 */
final class FieldNames {
  private static final int MASK = 255;
  private static final @Nullable String[] TABLE = table();

  private FieldNames() {}

  private static @Nullable String[] table() {
    @Nullable String[] table = new String[MASK + 1];
    String known =
        "Accept Accept-Charset Accept-Encoding Accept-Language Authorization Cache-Control"
            + " Connection Content-Encoding Content-Length Content-Security-Policy Content-Type"
            + " Cookie Date Expect Forwarded Host Idempotency-Key If-Match If-None-Match Keep-Alive"
            + " Last-Event-ID Location Origin Pragma Referer Retry-After Sec-Fetch-Dest"
            + " Sec-Fetch-Mode Sec-Fetch-Site Server TE Trailer Transfer-Encoding"
            + " Upgrade User-Agent Vary Via X-API-Key X-Forwarded-For X-Forwarded-Host"
            + " X-Forwarded-Proto X-Real-IP X-Request-ID traceparent tracestate ETag"
            + " GET POST PUT DELETE HEAD OPTIONS";
    for (String name : known.split(" ", -1)) {
      put(table, name.intern());
      put(table, name.toLowerCase(Locale.ROOT).intern());
    }
    return table;
  }

  private static void put(@Nullable String[] table, String name) {
    byte[] bytes = name.getBytes(StandardCharsets.ISO_8859_1);
    int slot = slot(bytes, 0, bytes.length);
    while (table[slot] != null) {
      slot = (slot + 1) & MASK;
    }
    table[slot] = name;
  }

  private static int slot(byte[] bytes, int from, int to) {
    int length = to - from;
    return (length * 31 + bytes[from] * 7 + bytes[to - 1] * 13 + bytes[from + length / 2]) & MASK;
  }

  /** The name between the two positions, at least one byte long. */
  static String of(byte[] bytes, int from, int to) {
    int slot = slot(bytes, from, to);
    for (String known = TABLE[slot]; known != null; known = TABLE[slot]) {
      if (isAt(known, bytes, from, to)) {
        return known;
      }
      slot = (slot + 1) & MASK;
    }
    return new String(bytes, from, to - from, StandardCharsets.ISO_8859_1);
  }

  /** Whether the bytes are exactly this text. */
  static boolean isAt(String text, byte[] bytes, int from, int to) {
    if (text.length() != to - from) {
      return false;
    }
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) != bytes[from + i]) {
        return false;
      }
    }
    return true;
  }
}
