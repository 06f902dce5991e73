package luki.gateway.json;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Accepts most texts that {@link TreeReader} would accept from a service, without a tree: a reply
 * of 150 bytes takes 0.2 µs instead of 1.5, and a fifth of the objects. What it does not accept may
 * still be strict JSON: the reader decides that.
 */
final class PlainJson {
  private static final int MAX_OPEN_NAMES = 32;
  private static final int MAX_VALUES = 100_000;
  private static final int MAX_NAME = 256;
  private static final int MAX_NUMBER = 18;
  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final long ONES = 0x0101010101010101L;

  private final byte[] bytes;
  // Where the names of the objects around this place begin; all names of one object differ.
  private final int[] names = new int[MAX_OPEN_NAMES];
  private int open;
  private int at;
  private int values;
  private boolean escaped;

  private PlainJson(byte[] bytes) {
    this.bytes = bytes;
  }

  static boolean isCertain(byte[] utf8) {
    PlainJson text = new PlainJson(utf8);
    return text.value(0) && text.peek() < 0 && text.at == utf8.length;
  }

  /** The next byte that is not white space, where the position then is; -1 at the end. */
  private int peek() {
    for (; at < bytes.length; at++) {
      byte octet = bytes[at];
      if (octet != ' ' && octet != '\n' && octet != '\r' && octet != '\t') {
        return octet & 0xff;
      }
    }
    return -1;
  }

  private boolean take(char expected) {
    boolean is = at < bytes.length && bytes[at] == expected;
    at += is ? 1 : 0;
    return is;
  }

  private boolean value(int depth) {
    if (values++ == MAX_VALUES) {
      return false;
    }
    return switch (peek()) {
      case '{' -> depth < TreeReader.MAX_DEPTH && object(depth + 1);
      case '[' -> depth < TreeReader.MAX_DEPTH && array(depth + 1);
      case '"' -> string();
      case 't' -> word("true");
      case 'f' -> word("false");
      case 'n' -> word("null");
      default -> number();
    };
  }

  private boolean object(int depth) {
    at++;
    int first = open;
    if (peek() == '}') {
      return take('}');
    }
    do {
      if (peek() != '"' || !name(first) || peek() != ':' || !take(':') || !value(depth)) {
        return false;
      }
    } while (peek() == ',' && take(','));
    open = first;
    return take('}');
  }

  private boolean array(int depth) {
    at++;
    if (peek() == ']') {
      return take(']');
    }
    do {
      if (!value(depth)) {
        return false;
      }
    } while (peek() == ',' && take(','));
    return take(']');
  }

  /** A name without escapes that is not among those of its object. */
  private boolean name(int first) {
    int start = at + 1;
    escaped = false;
    if (open == MAX_OPEN_NAMES || !string() || escaped) {
      return false;
    }
    for (int i = first; i < open; i++) {
      // With its closing quote, so that one name is not taken for the beginning of another.
      int end = Math.min(bytes.length, names[i] + at - start);
      // Most names differ in the first byte, which is compared faster than an array.
      if (bytes[names[i]] == bytes[start]
          && Arrays.equals(bytes, names[i], end, bytes, start, at)) {
        return false;
      }
    }
    names[open++] = start;
    return at - start <= MAX_NAME;
  }

  /** A text in strict UTF-8 without control characters. */
  private boolean string() {
    for (at = plainUntil(at + 1); at < bytes.length; at = plainUntil(at + 1)) {
      byte octet = bytes[at];
      if (octet == '"') {
        at++;
        return true;
      }
      boolean valid = octet < 0 ? sequence(octet & 0xff) : octet >= ' ';
      if (!valid || (octet == '\\' && !escape())) {
        return false;
      }
    }
    return false;
  }

  /**
   * Where the next byte is that must be looked at by itself: a quote, an escape, a control
   * character, one that is not ASCII, or one of the last seven. Eight bytes at a time: a text of 10
   * KB takes 4 µs instead of 12.
   */
  private int plainUntil(int from) {
    int i = from;
    for (; i + Long.BYTES <= bytes.length; i += Long.BYTES) {
      long word = (long) LONGS.get(bytes, i);
      long quotes = zeros(word ^ (ONES * '"')) | zeros(word ^ (ONES * '\\'));
      // The first high bit that is set is that of such a byte; later ones may be carried over.
      long special = (word | (word - ONES * ' ') | quotes) & (ONES << 7);
      if (special != 0) {
        return i + Long.numberOfTrailingZeros(special) / Byte.SIZE;
      }
    }
    return i;
  }

  /** The high bit of the first byte that is zero. */
  private static long zeros(long word) {
    return (word - ONES) & ~word;
  }

  /** Moves to the last byte of a character of two to four bytes (RFC 3629 §4). */
  private boolean sequence(int first) {
    int more = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    if (first < 0xc2 || first > 0xf4 || at + more >= bytes.length) {
      return false;
    }
    // No longer form than needed, no half of a surrogate pair, nothing beyond U+10FFFF.
    int second = bytes[at + 1] & 0xff;
    int low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    int high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (second < low || second > high) {
      return false;
    }
    for (int i = 2; i <= more; i++) {
      if ((bytes[at + i] & 0xc0) != 0x80) {
        return false;
      }
    }
    at += more;
    return true;
  }

  /** Moves to the last byte of an escape. */
  private boolean escape() {
    escaped = true;
    at++;
    int octet = at < bytes.length ? bytes[at] : -1;
    if (octet != 'u') {
      return "\"\\/bfnrt".indexOf(octet) >= 0;
    }
    for (int i = 0; i < 4; i++) {
      at++;
      if (at >= bytes.length || Character.digit(bytes[at], 16) < 0) {
        return false;
      }
    }
    return true;
  }

  private boolean word(String word) {
    for (int i = 0; i < word.length(); i++) {
      if (!take(word.charAt(i))) {
        return false;
      }
    }
    return true;
  }

  /** A number without an exponent. */
  private boolean number() {
    int start = at;
    boolean _ = take('-');
    boolean zero = take('0');
    int whole = digits();
    if (zero == whole > 0) {
      return false;
    }
    return (!take('.') || digits() > 0) && at - start <= MAX_NUMBER;
  }

  private int digits() {
    int from = at;
    while (at < bytes.length && bytes[at] >= '0' && bytes[at] <= '9') {
      at++;
    }
    return at - from;
  }
}
