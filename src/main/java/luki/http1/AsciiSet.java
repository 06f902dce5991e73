package luki.http1;

/** A set of ASCII characters. */
public final class AsciiSet {
  public static final String DIGITS_AND_LETTERS =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

  private final boolean[] members = new boolean[128];

  private AsciiSet() {}

  /** Digits, letters of both cases and the others. */
  public static AsciiSet alphanumericAnd(String others) {
    AsciiSet set = new AsciiSet();
    for (char c : (DIGITS_AND_LETTERS + others).toCharArray()) {
      set.members[c] = true;
    }
    return set;
  }

  public boolean contains(int c) {
    return c >= 0 && c < members.length && members[c];
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
