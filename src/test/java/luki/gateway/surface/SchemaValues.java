package luki.gateway.surface;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import luki.gateway.json.Json;

/** Makes random values of a schema, and values that break it in exactly one constraint. */
final class SchemaValues {
  private static final String NAME = "zz";
  private static final int LONG = 3_000;
  private static final List<String> SEEDS =
      List.of("wh_" + "0a".repeat(16), "job_" + "0a".repeat(16), "a", "a_1", "1", "\"a\"");
  private static final String ALPHABET = "abcXYZ019 _-.~!\"\\/%;:#?&=+\n\t\u007f\u00e9\u4e2d";

  private static final Map<String, Json> OF_TYPE =
      new TreeMap<>(
          Map.of(
              "string", Json.of(Cases.MARKER),
              "integer", Json.of(3),
              "number", ValueCases.parsed("7.25"),
              "boolean", Json.of(true),
              "object", Json.object().build(),
              "array", Json.array(List.of()),
              "null", ValueCases.parsed("null")));

  private final Random random;
  private final Json root;
  private final String user;
  private final List<Broken> found = new ArrayList<>();

  /**
   * A whole value with one constraint broken.
   *
   * @param rule the keyword; empty where its name says nothing to a client
   */
  record Broken(String pointer, String rule, Json value) {
    @Override
    public String toString() {
      String text = value.toString();
      return rule + " at " + pointer + ": " + text.substring(0, Math.min(300, text.length()));
    }
  }

  /**
   * @param root the document that references point into
   * @param user whom all ids of users and items are of
   */
  SchemaValues(Random random, Json root, String user) {
    this.random = random;
    this.root = root;
    this.user = user;
  }

  Json valid(Json schema) {
    return valid(schema, false);
  }

  /** One value for each constraint at each place that a value can have. */
  List<Broken> broken(Json schema) {
    found.clear();
    visit("", schema, valid(schema, true), value -> value);
    return List.copyOf(found);
  }

  private Json resolve(Json schema) {
    Json at = schema;
    while (at.at("$ref").string() != null) {
      at = root.pointer(at.at("$ref").string("").substring(1));
    }
    return at;
  }

  private boolean is(Json schema, String name) {
    return schema.equals(root.pointer("/components/schemas/" + name));
  }

  /** With {@code full}, every optional member and at least one item. */
  private Json valid(Json reference, boolean full) {
    Json schema = resolve(reference);
    if (is(schema, "UserId")) {
      return Json.of(user);
    }
    if (is(schema, "ItemId")) {
      return Json.of(user + "_" + Integer.toHexString(random.nextInt()));
    }
    if (!schema.at("enum").isMissing()) {
      return one(schema.at("enum").items());
    }
    List<Json> branches = schema.at("anyOf").items();
    if (!branches.isEmpty()) {
      return valid(full ? branches.getFirst() : one(branches), full);
    }
    List<String> types = List.copyOf(types(schema));
    String type = types.isEmpty() ? "" : full ? types.getFirst() : one(types);
    return switch (type) {
      case "object" -> object(schema, full);
      case "array" -> array(schema, full);
      case "string" -> Json.of(text(schema));
      case "integer" -> Json.of(integer(schema));
      case "number", "boolean" ->
          type.equals("boolean") ? Json.of(random.nextBoolean()) : ValueCases.parsed("-0.5e1");
      case "null" -> OF_TYPE.get("null");
      default -> one(List.copyOf(OF_TYPE.values()));
    };
  }

  private <T> T one(List<T> values) {
    return values.get(random.nextInt(values.size()));
  }

  private static Set<String> types(Json schema) {
    Set<String> types = new HashSet<>();
    schema.at("type").items().forEach(type -> types.add(type.string("")));
    if (schema.at("type").string() != null) {
      types.add(schema.at("type").string(""));
    }
    return types;
  }

  private Json object(Json schema, boolean full) {
    Json.Builder object = Json.object();
    List<Json> required = schema.at("required").items();
    for (var property : schema.at("properties").members().entrySet()) {
      if (full || required.contains(Json.of(property.getKey())) || random.nextInt(3) > 0) {
        object.put(property.getKey(), valid(property.getValue(), full));
      }
    }
    Json more = schema.at("additionalProperties");
    if (!more.isMissing() && !more.isFalse()) {
      for (int i = random.nextInt(4); i > 0; i--) {
        object.put(NAME + i, valid(more.isTrue() ? Json.object().build() : more, full));
      }
    }
    return object.build();
  }

  private Json array(Json schema, boolean full) {
    int least = (int) Math.max(full ? 1 : 0, limit(schema, "minItems", 0));
    int most = (int) Math.min(limit(schema, "maxItems", 5), least + 5);
    return items(schema, least + random.nextInt(most - least + 1));
  }

  /** So many items, or fewer where they must differ and there are no more. */
  private Json items(Json schema, int count) {
    List<Json> items = new ArrayList<>();
    for (int tries = 0; tries < 4 * count + 40 && items.size() < count; tries++) {
      Json item = valid(schema.at("items"), true);
      if (!schema.at("uniqueItems").isTrue() || !items.contains(item)) {
        items.add(item);
      }
    }
    return Json.array(items);
  }

  private long integer(Json schema) {
    long least = limit(schema, "minimum", -1_000_000);
    long most = limit(schema, "maximum", 1_000_000);
    return switch (random.nextInt(3)) {
      case 0 -> least;
      case 1 -> most;
      default -> random.nextLong(least, most + 1);
    };
  }

  private static long limit(Json schema, String keyword, long otherwise) {
    return schema.at(keyword).integer().orElse(otherwise);
  }

  private String text(Json schema) {
    long most = limit(schema, "maxLength", 40);
    long least = limit(schema, "minLength", 0);
    long wanted =
        switch (random.nextInt(4)) {
          case 0 -> least;
          case 1 -> Math.min(most, LONG);
          default -> Math.min(most, least + random.nextInt(40));
        };
    return grown(schema, wanted, most);
  }

  /** Random text that matches, of that length where the pattern has such a text. */
  private String grown(Json schema, long wanted, long most) {
    Predicate<String> matches = pattern(schema);
    if (wanted == 0 && matches.test("")) {
      return "";
    }
    String now = SEEDS.stream().filter(matches).findFirst().orElseThrow();
    for (int i = 0; i < 60 && length(now) < wanted; i++) {
      int room = (int) (wanted - length(now));
      String character = i % 7 == 0 ? "😀" : character();
      String next = inserted(now, character.repeat(i < 10 ? 1 : i % 2 == 0 ? room : room / 2 + 1));
      if (length(next) <= Math.min(wanted, most) && matches.test(next)) {
        now = next;
      }
    }
    return now;
  }

  private String character() {
    int at = random.nextInt(ALPHABET.length());
    return ALPHABET.substring(at, at + 1);
  }

  private String inserted(String text, String more) {
    int at = text.offsetByCodePoints(0, random.nextInt(length(text) + 1));
    return text.substring(0, at) + more + text.substring(at);
  }

  /** Length as JSON Schema counts it. */
  private static int length(String text) {
    return text.codePointCount(0, text.length());
  }

  /** As ECMA-262 reads it: {@code $} is the end alone, not also before a last line feed. */
  private static Predicate<String> pattern(Json schema) {
    String text = schema.at("pattern").string("");
    return Pattern.compile(text.endsWith("$") ? text.substring(0, text.length() - 1) + "\\z" : text)
        .asPredicate();
  }

  private void visit(String pointer, Json reference, Json here, UnaryOperator<Json> whole) {
    Json schema = resolve(reference);
    List<Json> branches = schema.at("anyOf").items();
    if (!branches.isEmpty()) {
      int before = found.size();
      visit(pointer, branches.getFirst(), here, whole);
      Json other = whole.apply(OF_TYPE.get("null"));
      found.subList(before, found.size()).removeIf(broken -> broken.value().equals(other));
      return;
    }
    Set<String> types = types(schema);
    OF_TYPE.forEach(
        (type, value) -> {
          boolean allowed =
              types.contains(type) || (type.equals("integer") && types.contains("number"));
          if (!types.isEmpty() && !allowed) {
            add(pointer, "type", whole.apply(value));
          }
        });
    if (types.contains("string")) {
      texts(pointer, schema, whole);
    }
    add(pointer, "minimum", schema, -1, whole);
    add(pointer, "maximum", schema, 1, whole);
    if (here.isArray() && here.size() > 0) {
      arrays(pointer, schema, here, whole);
    }
    if (here.isObject()) {
      objects(pointer, schema, here, whole);
    }
  }

  private void add(String pointer, String rule, Json value) {
    found.add(new Broken(pointer, rule, value));
  }

  private void add(String at, String keyword, Json schema, int beyond, UnaryOperator<Json> whole) {
    if (!schema.at(keyword).isMissing()) {
      long limit = limit(schema, keyword, 0);
      add(at, keyword, whole.apply(Json.of(limit + beyond)));
      add(at, keyword, whole.apply(ValueCases.parsed((limit + beyond) + "e30")));
    }
  }

  private void texts(String pointer, Json schema, UnaryOperator<Json> whole) {
    if (!schema.at("enum").isMissing()) {
      add(pointer, "enum", whole.apply(Json.of(one(schema.at("enum").items()).string("") + "x")));
      return;
    }
    long least = limit(schema, "minLength", 0);
    if (least > 0) {
      add(pointer, "minLength", whole.apply(Json.of("a".repeat((int) least - 1))));
    }
    long most = limit(schema, "maxLength", Long.MAX_VALUE - 1);
    String long_ = most > 100_000 ? "" : grown(schema, most + 1, most + 1);
    if (length(long_) > most) {
      add(pointer, "maxLength", whole.apply(Json.of(long_)));
    }
    if (!schema.at("pattern").isMissing()) {
      Predicate<String> matches = pattern(schema);
      String valid = grown(schema, least + 3, most);
      List<String> candidates =
          new ArrayList<>(List.of(valid + "\n", " ".repeat(length(valid)), " \t\n"));
      for (int i = 0; i < 10; i++) {
        candidates.add(inserted(valid, character()));
      }
      candidates.removeIf(text -> matches.test(text) || length(text) > most);
      candidates.forEach(text -> add(pointer, "pattern", whole.apply(Json.of(text))));
    }
  }

  private void arrays(String pointer, Json schema, Json here, UnaryOperator<Json> whole) {
    long least = limit(schema, "minItems", 0);
    if (least > 0) {
      Json fewer = Json.array(here.items().subList(0, (int) least - 1));
      add(pointer, "minItems", whole.apply(fewer));
    }
    long most = limit(schema, "maxItems", Integer.MAX_VALUE - 1);
    Json more = most > 1_000 ? here : items(schema, (int) most + 1);
    if (more.size() > most) {
      add(pointer, "maxItems", whole.apply(more));
    }
    if (schema.at("uniqueItems").isTrue()) {
      Json first = here.at(0);
      add(pointer, "uniqueItems", whole.apply(Json.array(List.of(first, first))));
    }
    int at = random.nextInt(here.size());
    visit(
        pointer + "/" + at,
        schema.at("items"),
        here.at(at),
        item -> {
          List<Json> changed = new ArrayList<>(here.items());
          changed.set(at, item);
          return whole.apply(Json.array(changed));
        });
  }

  private void objects(String pointer, Json schema, Json here, UnaryOperator<Json> whole) {
    for (Json required : schema.at("required").items()) {
      String name = required.string("");
      Json without = here.toBuilder().remove(name).build();
      add(pointer + "/" + name, "required", whole.apply(without));
    }
    Map<String, Json> properties = schema.at("properties").members();
    properties.forEach((name, each) -> member(pointer, name, each, here, whole));
    Json more = schema.at("additionalProperties");
    if (more.isFalse()) {
      Json with = here.toBuilder().put(NAME, Cases.MARKER).build();
      add(pointer + "/" + NAME, "additionalProperties", whole.apply(with));
    } else if (more.isObject()) {
      member(pointer, NAME, more, here, whole);
    }
    long most = limit(schema, "maxProperties", 0);
    if (most > 0) {
      Json.Builder many = here.toBuilder();
      for (int i = here.size(); i <= most; i++) {
        many.put(NAME + NAME + i, "a");
      }
      add(pointer, "maxProperties", whole.apply(many.build()));
    }
    Json names = schema.at("propertyNames");
    List<String> wrong = new ArrayList<>();
    names.at("not").at("enum").items().forEach(name -> wrong.add(name.string("")));
    if (!names.isMissing()) {
      wrong.add("x".repeat((int) limit(names, "maxLength", 0) + 1));
    }
    if (limit(names, "minLength", 0) > 0) {
      wrong.add("");
    }
    wrong.forEach(name -> add(pointer, "", whole.apply(here.toBuilder().put(name, "a").build())));
  }

  private void member(
      String pointer, String name, Json schema, Json here, UnaryOperator<Json> whole) {
    visit(
        pointer + "/" + name,
        schema,
        here.at(name),
        value -> whole.apply(here.toBuilder().put(name, value).build()));
  }
}
