package luki.gateway.json;

import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.Error;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaException;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** A compiled JSON Schema (2020-12). Thread-safe. */
public final class JsonSchema {
  private static final int MAX_VIOLATIONS = 20;

  private static final int LARGE = 500;

  private final Schema compiled;
  private final Predicate<JsonNode> certainlyValid;

  private JsonSchema(Json schema, Map<String, Predicate<String>> patterns) {
    this.compiled =
        SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
            .getSchema(SchemaLocation.of("urn:luki:contract"), schema.node());
    compiled.initializeValidators();
    this.certainlyValid = CertainlyValid.check(schema.node(), patterns);
  }

  /**
   * Compiles a schema whose references point into the document.
   *
   * @throws IllegalArgumentException a reference leads nowhere, or it is no schema
   */
  public static JsonSchema compile(Json schema, Json components) {
    return compile(schema, components, Map.of());
  }

  /**
   * As {@link #compile(Json, Json)}, and faster with the patterns that are known.
   *
   * @param patterns for regular expressions, code that accepts nothing that they do not
   */
  public static JsonSchema compile(
      Json schema, Json components, Map<String, Predicate<String>> patterns) {
    Json whole =
        schema.toBuilder()
            .put("$schema", "https://json-schema.org/draft/2020-12/schema")
            .put("components", components)
            .build();
    try {
      return new JsonSchema(whole, patterns);
    } catch (SchemaException broken) {
      throw new IllegalArgumentException("not a schema: " + broken.getMessage(), broken);
    }
  }

  /**
   * What is wrong with the value: empty when nothing is, at most 20 places otherwise. Of a large
   * value only the first, since the validator would collect as many errors as there are items.
   */
  public List<Violation> validate(Json value) {
    return isCertainlyValid(value) ? List.of() : validateWithLibrary(value);
  }

  boolean isCertainlyValid(Json value) {
    return certainlyValid.test(value.node());
  }

  List<Violation> validateWithLibrary(Json value) {
    boolean large = countUpTo(value.node(), LARGE + 1) > LARGE;
    List<Error> errors =
        compiled.validate(
            value.node(), context -> context.executionConfig(config -> config.failFast(large)));
    List<Violation> violations = new ArrayList<>();
    for (Error error : errors) {
      Violation violation = new Violation(pointerOf(error), error.getKeyword());
      if (violations.size() < MAX_VIOLATIONS && !violations.contains(violation)) {
        violations.add(violation);
      }
    }
    return violations;
  }

  private static int countUpTo(JsonNode node, int most) {
    int count = 1;
    for (JsonNode child : node) {
      if (count >= most) {
        return count;
      }
      count += countUpTo(child, most - count);
    }
    return count;
  }

  /** The pointer of a member at the top, as violations show it. */
  public static String pointerTo(String name) {
    return "/" + InvalidJson.escape(name);
  }

  private static String pointerOf(Error error) {
    StringBuilder pointer = new StringBuilder();
    var location = error.getInstanceLocation();
    for (int i = 0; i < location.getNameCount(); i++) {
      pointer.append('/').append(InvalidJson.escape(String.valueOf(location.getElement(i))));
    }
    // Names the missing or unexpected member, so that the caller finds it.
    if (error.getProperty() != null) {
      pointer.append('/').append(InvalidJson.escape(error.getProperty()));
    }
    return pointer.toString();
  }

  /**
   * A place and the rule that it breaks, such as a keyword of the schema; no value.
   *
   * @param pointer RFC 6901
   * @param line of the text, from 1; 0 where the pointer says enough
   * @param column in characters, from 1; 0 where the pointer says enough
   */
  public record Violation(String pointer, String rule, int line, int column) {
    public Violation(String pointer, String rule) {
      this(pointer, rule, 0, 0);
    }
  }
}
