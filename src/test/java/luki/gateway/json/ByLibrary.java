package luki.gateway.json;

import java.util.List;

/** What the schema library alone says of a value, without the shorter way beside it. */
public final class ByLibrary {
  private ByLibrary() {}

  public static List<JsonSchema.Violation> violations(JsonSchema schema, Json value) {
    return schema.validateWithLibrary(value);
  }
}
