package luki.gateway.json;

import com.fasterxml.jackson.core.JsonLocation;
import org.jspecify.annotations.Nullable;

/** A text that is not strict JSON. Names the place and the rule, never the value. */
public final class InvalidJson extends Exception {
  private static final long serialVersionUID = 1L;
  private static final int MAX_NAME = 64;

  private final transient JsonSchema.Violation violation;

  InvalidJson(String pointer, String rule) {
    this(new JsonSchema.Violation(pointer, rule));
  }

  private InvalidJson(JsonSchema.Violation violation) {
    super(violation.rule() + " at \"" + violation.pointer() + "\"", null, false, false);
    this.violation = violation;
  }

  /** No JSON from this place on. */
  static InvalidJson notJson(@Nullable JsonLocation at) {
    return at == null
        ? new InvalidJson("", "json")
        : new InvalidJson(new JsonSchema.Violation("", "json", at.getLineNr(), at.getColumnNr()));
  }

  /**
   * The value, or the deepest one that could be read, and what was not kept to: {@code json utf-8
   * duplicate nesting unicode size number}. The line is where reading ended, for rule {@code json}.
   */
  public JsonSchema.Violation violation() {
    return violation;
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
