package luki.gateway.surface;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;

/** Makes an example invalid in one place at a time, for each rule of its schema. */
final class ValueCases {
  private static final Map<String, Json> VALUE_OF_TYPE =
      new TreeMap<>(
          Map.of(
              "string", Json.of(Case.MARKER),
              "number", parsed("7.25"),
              "boolean", Json.of(true),
              "object", Json.object().put(Case.MARKER, Case.MARKER).build(),
              "array", Json.strings(List.of(Case.MARKER)),
              "null", parsed("null")));

  private final Operation operation;
  private final List<Broken> found = new ArrayList<>();

  /** The whole body with one invalid value. */
  record Broken(String name, Json body, String pointer) {}

  /** Puts a value in its place in the whole body. */
  @FunctionalInterface
  private interface Whole {
    Json with(Json value);
  }

  private ValueCases(Operation operation) {
    this.operation = operation;
  }

  static List<Broken> of(Operation operation) {
    ValueCases cases = new ValueCases(operation);
    cases.value("", operation.bodySchema(), operation.bodyExample(), value -> value);
    return cases.found;
  }

  static Json parsed(String text) {
    try {
      return Json.parseReply(text);
    } catch (InvalidJson invalid) {
      throw new AssertionError(invalid);
    }
  }

  private void value(String pointer, Json reference, Json example, Whole whole) {
    Json schema = operation.resolve(reference);
    wrongTypes(pointer, schema, whole);
    limits(pointer, schema, example, whole);
    if (example.isObject()) {
      members(pointer, schema, example, whole);
    }
    if (example.size() > 0 && example.isArray() && !schema.at("items").isMissing()) {
      List<Json> items = example.items();
      value(
          pointer + "/0",
          schema.at("items"),
          items.getFirst(),
          item -> {
            List<Json> changed = new ArrayList<>(items);
            changed.set(0, item);
            return whole.with(Json.array(changed));
          });
    }
  }

  private void members(String pointer, Json schema, Json example, Whole whole) {
    for (Json name : schema.at("required").items()) {
      String gone = name.string("");
      Json without = example.toBuilder().remove(gone).build();
      found.add(
          new Broken("no " + pointer + "/" + gone, whole.with(without), pointer + "/" + gone));
    }
    if (schema.at("additionalProperties").isFalse()) {
      Json more = example.toBuilder().put("zz_unknown", Case.MARKER).build();
      found.add(new Broken("unknown " + pointer, whole.with(more), pointer + "/zz_unknown"));
    }
    schema
        .at("properties")
        .members()
        .forEach(
            (name, property) ->
                value(
                    pointer + "/" + name,
                    property,
                    example.at(name),
                    value -> whole.with(example.toBuilder().put(name, value).build())));
  }

  private void wrongTypes(String pointer, Json schema, Whole whole) {
    Set<String> types = new HashSet<>();
    schema.at("type").items().forEach(type -> types.add(type.string("")));
    types.add(schema.at("type").string(""));
    types.remove("");
    if (types.isEmpty()) {
      return;
    }
    VALUE_OF_TYPE.forEach(
        (type, value) -> {
          if (!types.contains(type)) {
            String name = type + " at " + (pointer.isEmpty() ? "the top" : pointer);
            found.add(new Broken(name, whole.with(value), pointer));
          }
        });
  }

  private void limits(String pointer, Json schema, Json example, Whole whole) {
    schema
        .at("maxLength")
        .integer()
        .ifPresent(
            most -> {
              if (most < 50_001) {
                String text = Case.MARKER.repeat((int) most / Case.MARKER.length() + 1);
                broken("too long", pointer, whole, Json.of(text));
              }
            });
    if (schema.at("minLength").integer().orElse(0) > 0) {
      broken("empty", pointer, whole, Json.of(""));
    }
    if (schema.at("pattern").string("").equals("\\S")) {
      broken("blank", pointer, whole, Json.of(" \n\t "));
    }
    if (!schema.at("enum").isMissing()) {
      broken("not of the list", pointer, whole, Json.of(Case.MARKER));
    }
    ranges(pointer, schema, example, whole);
  }

  private void ranges(String pointer, Json schema, Json example, Whole whole) {
    schema
        .at("minimum")
        .integer()
        .ifPresent(least -> broken("too small", pointer, whole, Json.of(least - 1)));
    schema
        .at("maximum")
        .integer()
        .ifPresent(
            most -> {
              broken("too great", pointer, whole, Json.of(most + 1));
              broken("vast", pointer, whole, parsed("1e999999999"));
            });
    schema
        .at("maxItems")
        .integer()
        .ifPresent(
            most -> {
              List<Json> items = new ArrayList<>();
              for (int i = 0; i <= most; i++) {
                items.add(example.isMissing() ? Json.of("x" + i) : example.at(0));
              }
              broken("too many", pointer, whole, Json.array(items));
            });
  }

  private void broken(String how, String pointer, Whole whole, Json value) {
    found.add(new Broken(how + " at " + pointer, whole.with(value), pointer));
  }
}
