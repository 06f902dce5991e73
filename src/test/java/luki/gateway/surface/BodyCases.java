package luki.gateway.surface;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.surface.Operation.Callers;

/** Bodies that are too long, not JSON, or invalid by the schema. */
final class BodyCases {
  private static final String TYPE = "Content-Type";

  private final Operation operation;
  private final Ask good;
  private final int maxBytes;
  private final List<Case> cases = new ArrayList<>();

  private BodyCases(Operation operation, Ask good, int maxBytes) {
    this.operation = operation;
    this.good = good;
    this.maxBytes = maxBytes;
  }

  static List<Case> of(Operation operation, Callers callers, int maxBytes) {
    Ask good = operation.isPublic() ? operation.good() : callers.good(operation);
    BodyCases made = new BodyCases(operation, good, maxBytes);
    made.tooLong();
    if (operation.takesBody()) {
      made.notJson();
      made.notText();
      made.mediaTypes();
      made.values();
    } else {
      made.unexpected();
    }
    return made.cases;
  }

  private void tooLong() {
    byte[] tooMany = (" ".repeat(maxBytes) + "{}").getBytes(StandardCharsets.US_ASCII);
    Ask ask = good.body(tooMany);
    for (Ask.Framing framing : Ask.Framing.values()) {
      cases.add(Case.of("over-long, " + framing, ask.framing(framing), 413, "BODY_TOO_LARGE"));
    }
  }

  private void unexpected() {
    Ask ask = good.header(TYPE, "application/json");
    cases.add(Case.invalid("a body", ask.body("{}")));
    cases.add(Case.invalid("a chunked body", ask.body("{}").framing(Ask.Framing.CHUNKED)));
    cases.add(Case.invalid("a body without a type", good.body(Case.MARKER)));
  }

  private void notJson() {
    String example = operation.bodyExample().toString();
    String open = example.substring(0, example.length() - 1);
    for (String text :
        List.of(
            "",
            " ",
            open,
            example + "x",
            example + example,
            open + ",}",
            open + ",'a':1}",
            open + ",\"zz\":NaN}",
            open + ",\"zz\":01}",
            open + ",\"zz\":+1}",
            open + ",\"zz\":1e99999999999999999999}",
            open + ",\"zz\":\"" + Case.MARKER + "\u0001\"}",
            "/* */" + example,
            "\uFEFF" + example,
            Case.MARKER)) {
      cases.add(Case.invalid("not JSON: " + shown(text), good.body(text)));
    }
    cases.add(Case.invalid("chunked garbage", good.body("{").framing(Ask.Framing.CHUNKED)));
    twice(open);
    String deep = "[".repeat(64) + "]".repeat(64);
    cases.add(Case.invalid("nested 65 deep", good.body(open + ",\"zz\":" + deep + "}")));
    cases.add(Case.invalid("nested without end", good.body("[".repeat(60_000))));
    cases.add(Case.invalid("half a surrogate pair", good.body(open + ",\"zz\":\"\\ud83c\"}")));
  }

  private void twice(String open) {
    operation
        .bodyExample()
        .members()
        .forEach(
            (name, value) -> {
              String escaped = "\\u%04x".formatted((int) name.charAt(0)) + name.substring(1);
              for (String again : List.of(name, escaped)) {
                String body = open + ",\"" + again + "\":" + value + "}";
                cases.add(Case.invalidAt("twice: " + again, good.body(body), "/" + name));
              }
            });
  }

  private void notText() {
    String example = operation.bodyExample().toString();
    String open = example.substring(0, example.length() - 1) + ",\"zz\":\"";
    for (byte[] bytes :
        List.of(
            new byte[] {(byte) 0xff},
            new byte[] {(byte) 0xc0, (byte) 0xaf},
            new byte[] {(byte) 0xed, (byte) 0xa0, (byte) 0x80},
            new byte[] {(byte) 0xe2, (byte) 0x82})) {
      ByteArrayOutputStream body = new ByteArrayOutputStream();
      body.writeBytes(open.getBytes(StandardCharsets.UTF_8));
      body.writeBytes(bytes);
      body.writeBytes("\"}".getBytes(StandardCharsets.UTF_8));
      String name = "bad UTF-8 " + Integer.toHexString(bytes[0] & 0xff);
      cases.add(Case.invalid(name, good.body(body.toByteArray())));
    }
    cases.add(Case.invalid("UTF-16", good.body(example.getBytes(StandardCharsets.UTF_16))));
    cases.add(Case.invalid("UTF-16LE", good.body(example.getBytes(StandardCharsets.UTF_16LE))));
  }

  private void mediaTypes() {
    Ask untyped = good.withoutHeader(TYPE);
    unsupported("no Content-Type", untyped);
    for (String type :
        List.of(
            "text/plain",
            "application/xml",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/jsonp",
            "application/json-patch+json",
            "text/json",
            "json",
            "",
            "application/json, text/plain",
            "application/json; charset",
            "application/json; charset=utf-16",
            "application/json; charset=iso-8859-1",
            "application/json; charset=\"us-ascii\"",
            "application/json; charset=utf-8; charset=utf-16",
            "application/json; charset=" + Case.MARKER)) {
      unsupported("Content-Type: " + type, untyped.header(TYPE, type));
    }
    unsupported("two Content-Type lines", good.header(TYPE, "application/json"));
    unsupported("gzip", good.header("Content-Encoding", "gzip"));
    unsupported("deflate, br", good.header("Content-Encoding", "deflate, br"));
  }

  private void unsupported(String name, Ask ask) {
    cases.add(Case.of(name, ask, 415, "UNSUPPORTED_MEDIA_TYPE"));
  }

  private void values() {
    for (ValueCases.Broken broken : ValueCases.of(operation)) {
      // A text that is no user id at all; another owner's id is tested elsewhere.
      boolean couldBeAUser =
          broken.pointer().equals("/user_id")
              && broken.body().at("user_id").string("").equals(Case.MARKER);
      if (!couldBeAUser) {
        cases.add(
            Case.invalidAt(broken.name(), good.body(broken.body().toString()), broken.pointer()));
      }
    }
  }

  private static String shown(String text) {
    String visible = text.replaceAll("[^ -~]", "?");
    return visible.length() < 20 ? visible : "…" + visible.substring(visible.length() - 20);
  }

  /** Makes an example invalid in one place at a time, for each rule of its schema. */
  static final class ValueCases {
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
}
