package luki.gateway.json;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What is accepted without the schema library is what the library accepts. */
class JsonSchemaTest {
  private static final List<String> VALUES =
      List.of(
          "null, true, false, 0, 1, -1, 7, 50, 51, 2147483648, 9007199254740992, -9007199254740992",
          "0.5, 1.0, 7.0, 1e2, -0, \"\", \"a\", \"user\", \"USER\", \"a/b\", \"..\", \"%2f\", \" \"",
          "\"😀\", \"😀😀😀\", \"a\\n\", \"\\n\", \"tags\", [], {}, [1], [1, 1.0], [\"a\", \"b\"]",
          "[\"a\", \"a\"], [\"a\", 1], [[1], [1]], {\"a\": 1}, {\"a\": \"a\"}, {\"b\": null}",
          "{\"a\": \"user\", \"b\": 2}, {\"tags\": []}, {\"a\": 1, \"b\": 2, \"c\": 3}");

  private static final String[] SCHEMAS = {
    "true",
    "false",
    "{}",
    "{'type': 'string'}",
    "{'type': 'integer'}",
    "{'type': 'number'}",
    "{'type': ['string', 'null']}",
    "{'type': ['integer', 'array']}",
    "{'type': 'object'}",
    "{'enum': ['a', 'user']}",
    "{'enum': ['a', 1, null]}",
    "{'not': {'enum': ['a']}}",
    "{'not': {'enum': ['a', 1]}}",
    "{'not': {'type': 'string'}}",
    "{'pattern': 'a$'}",
    "{'pattern': '^(?!\\\\.{1,2}$)[^/]+$'}",
    "{'pattern': '\\\\S'}",
    "{'minLength': 2}",
    "{'maxLength': 1}",
    "{'maxLength': 3.0}",
    "{'minimum': 1}",
    "{'maximum': 50}",
    "{'minimum': 0.5}",
    "{'minItems': 1}",
    "{'maxItems': 1}",
    "{'uniqueItems': true}",
    "{'items': {'type': 'string'}}",
    "{'items': false}",
    "{'required': ['a']}",
    "{'maxProperties': 1}",
    "{'additionalProperties': false}",
    "{'properties': {'a': {'type': 'string'}}}",
    "{'propertyNames': {'maxLength': 1}}",
    "{'properties': {'a': true}, 'additionalProperties': {'type': 'integer'}}",
    "{'properties': {'a': {'minLength': 2}}, 'patternProperties': {'b': false}}",
    "{'$ref': '#/components/A', 'maxLength': 4}",
    "{'items': {'$ref': '#/components/B'}}",
    "{'type': 'string', 'format': 'date-time'}",
    "{'multipleOf': 7}",
    "{'const': 'a'}",
    "{'allOf': [{'type': 'string'}, {'minLength': 2}]}",
    "{'if': true, 'then': false}"
  };

  private static Json json(String text) throws InvalidJson {
    return Json.parse(text.replace('\'', '"').getBytes(StandardCharsets.UTF_8));
  }

  private static boolean agrees(JsonSchema schema, Json value) {
    boolean certain = schema.isCertainlyValid(value);
    if (certain) {
      assertEquals(List.of(), schema.validateWithLibrary(value), value::toString);
    }
    return certain;
  }

  @Test
  void acceptsByItselfOnlyWhatTheLibraryAccepts() throws Exception {
    Json components =
        json("{'A': {'pattern': '^u'}, 'B': {'properties': {'a': {'$ref': '#/components/B'}}}}");
    List<Json> values = json("[" + String.join(",", VALUES) + "]").items();
    for (String text : SCHEMAS) {
      boolean whole = text.startsWith("{");
      Json schema = json(whole ? text : "{'additionalProperties': " + text + "}");
      JsonSchema compiled = JsonSchema.compile(schema, components);
      values.forEach(value -> agrees(compiled, value));
    }
  }

  /** The library compares whole decimals in 64 bits: 2^64 + 10 would be equal to 10. */
  @Test
  void aNumberBeyond64BitsIsWithinNoBounds() throws Exception {
    List<Json> vast =
        json("[18446744073709551626, 18446744073709551626.0, 1.8446744073709551626e19, 1e30,"
                + "18446744073709551626.5, 9223372036854775808, 9223372036854775808.0, 1e255]")
            .items();
    for (String type : List.of("'integer'", "'number'", "['integer', 'string']")) {
      String schema = "{'type': %s, 'minimum': %s, 'maximum': %s}";
      JsonSchema bounded = JsonSchema.compile(json(schema.formatted(type, 1, 50)), Json.MISSING);
      JsonSchema negative = JsonSchema.compile(json(schema.formatted(type, -50, -1)), Json.MISSING);
      for (Json value : vast) {
        assertTrue(rules(bounded, value).contains("maximum"), type + value);
        assertTrue(rules(negative, json("-" + value)).contains("minimum"), type + value);
      }
    }
  }

  private static List<String> rules(JsonSchema schema, Json value) {
    return schema.validate(value).stream().map(JsonSchema.Violation::rule).toList();
  }

  @Test
  void decidesRequestsOfTheContractByItself() throws Exception {
    Json document = Located.read(Path.of("config/openapi.yaml")).root();
    List<Json> values = json("[" + String.join(",", VALUES) + "]").items();
    Random random = new Random(5);
    int checked = 0;
    for (Json path : document.at("paths").members().values()) {
      for (Json operation : path.members().values()) {
        Json body = operation.pointer("/requestBody/content/application~1json");
        if (body.isMissing()) {
          continue;
        }
        JsonSchema schema = JsonSchema.compile(body.at("schema"), document.at("components"));
        for (Json example : examples(body)) {
          assertTrue(agrees(schema, example), example::toString);
          checked++;
          for (int i = 0; i < 500; i++) {
            agrees(schema, changed(example, values, random));
          }
        }
      }
    }
    assertTrue(checked > 10, "only " + checked);
  }

  private static List<Json> examples(Json body) {
    return body.at("example").isMissing()
        ? body.at("examples").members().values().stream().map(one -> one.at("value")).toList()
        : List.of(body.at("example"));
  }

  private static Json changed(Json value, List<Json> values, Random random) {
    List<String> names = List.copyOf(value.members().keySet());
    if (names.isEmpty() || random.nextInt(3) == 0) {
      return values.get(random.nextInt(values.size()));
    }
    Json.Builder changed = value.toBuilder();
    String name = names.get(random.nextInt(names.size()));
    return switch (random.nextInt(4)) {
      case 0 -> changed.remove(name).build();
      case 1 -> changed.put("tags", values.get(random.nextInt(values.size()))).build();
      default -> changed.put(name, changed(value.at(name), values, random)).build();
    };
  }
}
