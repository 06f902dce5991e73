package luki.gateway.json;

import com.fasterxml.jackson.core.JsonLocation;
import org.jspecify.annotations.Nullable;

/** A text that is not strict JSON. Names the place and the rule, never the value. */
public final class InvalidJson extends Exception {
  private static final long serialVersionUID = 1L;
  private static final int MAX_NAME = 64;

  private final String pointer;
  private final String rule;
  private final int line;
  private final int column;

  InvalidJson(String pointer, String rule) {
    this(pointer, rule, 0, 0);
  }

  private InvalidJson(String pointer, String rule, int line, int column) {
    super(rule + " at \"" + pointer + "\"", null, false, false);
    this.pointer = pointer;
    this.rule = rule;
    this.line = line;
    this.column = column;
  }

  /** No JSON from this place on. */
  static InvalidJson notJson(@Nullable JsonLocation at) {
    return at == null
        ? new InvalidJson("", "json")
        : new InvalidJson("", "json", at.getLineNr(), at.getColumnNr());
  }

  /** RFC 6901 pointer to the value, or to the deepest one that could be read. */
  public String pointer() {
    return pointer;
  }

  /** {@code json utf-8 duplicate nesting unicode size number}: what was not kept to. */
  public String rule() {
    return rule;
  }

  /** Where reading ended, for rule {@code json}: counted from 1, or 0 if it is not known. */
  public int line() {
    return line;
  }

  /** In characters, counted from 1, or 0 if it is not known. */
  public int column() {
    return column;
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
