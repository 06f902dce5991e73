package luki.http1;

import java.nio.charset.StandardCharsets;

/** Text that is known to be ISO-8859-1, as bytes. */
public final class Latin1 {
  private Latin1() {}

  public static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  /**
   * Copies the text, whose characters are all below 256.
   *
   * @return the position after it
   */
  // The deprecated method drops high bytes, of which there are none, and copies without a coder.
  @SuppressWarnings("deprecation")
  public static int put(String text, byte[] into, int at) {
    text.getBytes(0, text.length(), into, at);
    return at + text.length();
  }

  /** The same for text that is bytes already. */
  public static int put(byte[] text, byte[] into, int at) {
    System.arraycopy(text, 0, into, at, text.length);
    return at + text.length;
  }

  /** Writes a number that is not negative, in decimal digits. */
  public static int putDecimal(long number, byte[] into, int at) {
    int digits = 1;
    for (long rest = number / 10; rest > 0; rest /= 10) {
      digits++;
    }
    long rest = number;
    for (int i = at + digits - 1; i >= at; i--) {
      into[i] = (byte) ('0' + rest % 10);
      rest /= 10;
    }
    return at + digits;
  }

  /** Writes a number that is not negative, in hexadecimal digits. */
  static int putHex(int number, byte[] into, int at) {
    int digits = Math.max(1, (35 - Integer.numberOfLeadingZeros(number)) / 4);
    for (int i = 0; i < digits; i++) {
      int digit = (number >>> (4 * (digits - 1 - i))) & 0xf;
      into[at + i] = (byte) (digit < 10 ? '0' + digit : 'a' + digit - 10);
    }
    return at + digits;
  }
}
