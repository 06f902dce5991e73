package luki.http1;

/** A set of ASCII characters, as a bit for each. */
public record AsciiSet(long low, long high) {
  public static final String DIGITS_AND_LETTERS =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

  /** Digits, letters of both cases and the others. */
  public static AsciiSet alphanumericAnd(String others) {
    long low = 0;
    long high = 0;
    for (char c : (DIGITS_AND_LETTERS + others).toCharArray()) {
      low |= c < 64 ? 1L << c : 0;
      high |= c < 64 ? 0 : 1L << (c - 64);
    }
    return new AsciiSet(low, high);
  }

  public boolean contains(int c) {
    return c >= 0 && c < 128 && ((c < 64 ? low >>> c : high >>> (c - 64)) & 1) != 0;
  }

  /** Whether each character from {@code from} to before {@code to} is one of them. */
  public boolean containsAll(String text, int from, int to) {
    for (int i = from; i < to; i++) {
      if (!contains(text.charAt(i))) {
        return false;
      }
    }
    return true;
  }
}
