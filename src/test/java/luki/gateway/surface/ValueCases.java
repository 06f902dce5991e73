package luki.gateway.surface;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.LongStream;
import luki.gateway.json.Json;
import luki.gateway.testing.Unchecked;

/** Makes an example invalid in one place at a time, for each rule of its schema. */
final class ValueCases {
  private static final String MARKER = Cases.MARKER;

  private static final Map<String, Json> VALUE_OF_TYPE =
      new TreeMap<>(
          Map.of(
              "string", Json.of(MARKER),
              "number", parsed("7.25"),
              "boolean", Json.of(true),
              "object", Json.object().put(MARKER, MARKER).build(),
              "array", Json.strings(List.of(MARKER)),
              "null", parsed("null")));

  private final ContractOperation operation;
  private final List<Broken> found = new ArrayList<>();

  /** The whole body with one invalid value. */
  record Broken(String name, Json body, String pointer) {}

  private ValueCases(ContractOperation operation) {
    this.operation = operation;
  }

  static List<Broken> of(ContractOperation operation) {
    ValueCases cases = new ValueCases(operation);
    cases.value("", operation.bodySchema(), operation.bodyExample(), value -> value);
    return cases.found;
  }

  static Json parsed(String text) {
    return Unchecked.get(() -> Json.parseReply(text));
  }

  private void value(String pointer, Json reference, Json example, UnaryOperator<Json> whole) {
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
            return whole.apply(Json.array(changed));
          });
    }
  }

  private void members(String pointer, Json schema, Json example, UnaryOperator<Json> whole) {
    for (Json name : schema.at("required").items()) {
      String gone = name.string("");
      Json without = example.toBuilder().remove(gone).build();
      String place = pointer + "/" + gone;
      found.add(new Broken("no " + place, whole.apply(without), place));
    }
    if (schema.at("additionalProperties").isFalse()) {
      Json more = example.toBuilder().put("zz_unknown", MARKER).build();
      found.add(new Broken("unknown " + pointer, whole.apply(more), pointer + "/zz_unknown"));
    }
    for (var property : schema.at("properties").members().entrySet()) {
      String name = property.getKey();
      value(
          pointer + "/" + name,
          property.getValue(),
          example.at(name),
          value -> whole.apply(example.toBuilder().put(name, value).build()));
    }
  }

  private void wrongTypes(String pointer, Json schema, UnaryOperator<Json> whole) {
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
            found.add(new Broken(name, whole.apply(value), pointer));
          }
        });
  }

  private void limits(String pointer, Json schema, Json example, UnaryOperator<Json> whole) {
    limit(schema, "maxLength")
        .filter(most -> most < 50_001)
        .map(most -> MARKER.repeat((int) (most / MARKER.length()) + 1))
        .ifPresent(text -> broken("too long", pointer, whole, Json.of(text)));
    if (schema.at("minLength").integer().orElse(0) > 0) {
      broken("empty", pointer, whole, Json.of(""));
    }
    if (schema.at("pattern").string("").equals("\\S")) {
      broken("blank", pointer, whole, Json.of(" \n\t "));
    }
    if (!schema.at("enum").isMissing()) {
      broken("not of the list", pointer, whole, Json.of(MARKER));
    }
    limit(schema, "minimum")
        .ifPresent(least -> broken("too small", pointer, whole, Json.of(least - 1)));
    limit(schema, "maximum")
        .ifPresent(
            most -> {
              broken("too great", pointer, whole, Json.of(most + 1));
              broken("vast", pointer, whole, parsed("1e999999999"));
            });
    limit(schema, "maxItems")
        .map(
            most ->
                LongStream.rangeClosed(0, most)
                    .mapToObj(i -> example.isMissing() ? Json.of("x" + i) : example.at(0))
                    .toList())
        .ifPresent(items -> broken("too many", pointer, whole, Json.array(items)));
  }

  private static Optional<Long> limit(Json schema, String name) {
    OptionalLong limit = schema.at(name).integer();
    return limit.isPresent() ? Optional.of(limit.getAsLong()) : Optional.empty();
  }

  private void broken(String how, String pointer, UnaryOperator<Json> whole, Json value) {
    found.add(new Broken(how + " at " + pointer, whole.apply(value), pointer));
  }
}
