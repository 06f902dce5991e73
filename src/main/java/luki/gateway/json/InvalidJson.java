package luki.gateway.json;

/** A text that is not strict JSON. Names the place and the rule, never the value. */
public final class InvalidJson extends Exception {
  private static final long serialVersionUID = 1L;
  private static final int MAX_NAME = 64;

  private final String pointer;
  private final String rule;

  InvalidJson(String pointer, String rule) {
    super(rule + " at \"" + pointer + "\"", null, false, false);
    this.pointer = pointer;
    this.rule = rule;
  }

  /** RFC 6901 pointer to the value, or to the deepest one that could be read. */
  public String pointer() {
    return pointer;
  }

  /** {@code json utf-8 duplicate nesting unicode size number}: what was not kept to. */
  public String rule() {
    return rule;
  }

  /** A segment of an RFC 6901 pointer as it is shown to a caller: escaped and of bounded length. */
  static String escape(String name) {
    String cut = name.length() <= MAX_NAME ? name : name.substring(0, cutAt(name)) + "…";
    return cut.replace("~", "~0").replace("/", "~1");
  }

  private static int cutAt(String name) {
    return Character.isHighSurrogate(name.charAt(MAX_NAME - 1)) ? MAX_NAME - 1 : MAX_NAME;
  }
}
