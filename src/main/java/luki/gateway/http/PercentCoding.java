package luki.gateway.http;

import java.net.URLEncoder;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Optional;
import luki.http1.AsciiSet;

/** Percent-encoding of RFC 3986 §2.1 in strict UTF-8. */
public final class PercentCoding {
  /** Visible characters that stand for themselves, in a path and in a form. */
  private static final AsciiSet PLAIN =
      AsciiSet.alphanumericAnd("!\"#$&'()*,-./:;<=>?@[\\]^_`{|}~");

  private PercentCoding() {}

  /** The decoded text; empty when an escape is cut short or the bytes are not UTF-8. */
  static Optional<String> decode(String raw, boolean plusIsSpace) {
    if (PLAIN.containsAll(raw, 0, raw.length())) {
      return Optional.of(raw);
    }
    ByteBuffer bytes = ByteBuffer.allocate(raw.length());
    for (int i = 0; i < raw.length(); i++) {
      char c = raw.charAt(i);
      if (c == '%') {
        int value = i + 2 < raw.length() ? octet(raw.charAt(i + 1), raw.charAt(i + 2)) : -1;
        if (value < 0) {
          return Optional.empty();
        }
        bytes.put((byte) value);
        i += 2;
      } else if (c > 0x7e || c < 0x21) {
        return Optional.empty();
      } else {
        bytes.put((byte) (plusIsSpace && c == '+' ? ' ' : c));
      }
    }
    try {
      return Optional.of(StandardCharsets.UTF_8.newDecoder().decode(bytes.flip()).toString());
    } catch (CharacterCodingException malformed) {
      return Optional.empty();
    }
  }

  /** Encodes everything but unreserved characters, so that no service can read a delimiter. */
  public static String encode(String text) {
    // That of a form, with three differences. A text that needs none is not copied.
    return URLEncoder.encode(text, StandardCharsets.UTF_8)
        .replace("+", "%20")
        .replace("*", "%2A")
        .replace("%7E", "~");
  }

  static int octet(char high, char low) {
    return HexFormat.isHexDigit(high) && HexFormat.isHexDigit(low)
        ? 16 * HexFormat.fromHexDigit(high) + HexFormat.fromHexDigit(low)
        : -1;
  }
}
