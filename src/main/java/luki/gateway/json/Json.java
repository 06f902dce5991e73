package luki.gateway.json;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** An immutable JSON value. An absent member is {@link #MISSING}, never null. */
public final class Json {
  /** The result of {@link #at} for an absent member. */
  public static final Json MISSING = new Json(MissingNode.getInstance());

  private static final JsonMapper MAPPER = new JsonMapper(TreeReader.FACTORY);

  private final JsonNode node;

  Json(JsonNode node) {
    this.node = node;
  }

  JsonNode node() {
    return node;
  }

  /** Strict JSON (RFC 8259) in strict UTF-8 from a caller: anything doubtful is refused. */
  public static Json parse(byte[] utf8) throws InvalidJson {
    return new Json(TreeReader.read(utf8, TreeReader.LoneSurrogates.REFUSE));
  }

  /** The same from a service, with half of a surrogate pair read as U+FFFD. */
  public static Json parseReply(byte[] utf8) throws InvalidJson {
    return new Json(TreeReader.read(utf8, TreeReader.LoneSurrogates.REPLACE));
  }

  /** Whether {@link #parseReply(byte[])} would read it: for a reply that is passed on as it is. */
  public static boolean isReply(byte[] utf8) {
    return PlainJson.isCertain(utf8) || TreeReader.isReply(utf8);
  }

  /** The same from an event stream, which is decoded leniently (WHATWG HTML). */
  public static Json parseEvent(byte[] utf8) throws InvalidJson {
    return TreeReader.isPlain(utf8)
        ? parseReply(utf8)
        : parseReply(new String(utf8, StandardCharsets.UTF_8));
  }

  /** Text of a service that is already decoded. */
  public static Json parseReply(String text) throws InvalidJson {
    return new Json(TreeReader.read(text, TreeReader.LoneSurrogates.REPLACE));
  }

  public static Json of(String text) {
    return new Json(JsonNodeFactory.instance.textNode(text));
  }

  public static Json of(long number) {
    return new Json(JsonNodeFactory.instance.numberNode(number));
  }

  public static Json of(boolean value) {
    return new Json(JsonNodeFactory.instance.booleanNode(value));
  }

  public static Json array(List<Json> items) {
    ArrayNode array = JsonNodeFactory.instance.arrayNode(items.size());
    items.forEach(item -> array.add(item.node));
    return new Json(array);
  }

  public static Json strings(Iterable<String> items) {
    ArrayNode array = JsonNodeFactory.instance.arrayNode();
    items.forEach(array::add);
    return new Json(array);
  }

  public static Builder object() {
    return new Builder();
  }

  /** The member of that name; of an array the item at that index. */
  public Json at(String name) {
    JsonNode child = node.get(name);
    return child == null ? MISSING : new Json(child);
  }

  public Json at(int index) {
    JsonNode child = node.get(index);
    return child == null ? MISSING : new Json(child);
  }

  /** The value at an RFC 6901 pointer. */
  public Json pointer(String pointer) {
    return new Json(node.at(pointer));
  }

  public boolean isMissing() {
    return node.isMissingNode();
  }

  /** Absent or null: Python services use both alike. */
  public boolean isAbsent() {
    return node.isMissingNode() || node.isNull();
  }

  public boolean isObject() {
    return node.isObject();
  }

  public boolean isArray() {
    return node.isArray();
  }

  public boolean isScalar() {
    return node.isTextual() || node.isNumber() || node.isBoolean();
  }

  /** The boolean {@code true} itself, not another value that counts as true. */
  public boolean isTrue() {
    return node.isBoolean() && node.booleanValue();
  }

  public boolean isFalse() {
    return node.isBoolean() && !node.booleanValue();
  }

  /** The text when this is a string, else null. */
  public @Nullable String string() {
    return node.isTextual() ? node.textValue() : null;
  }

  public String string(String otherwise) {
    return node.isTextual() ? node.textValue() : otherwise;
  }

  /** The number when this is a whole one in the range of a long. */
  public OptionalLong integer() {
    return node.isNumber() && node.canConvertToExactIntegral() && node.canConvertToLong()
        ? OptionalLong.of(node.longValue())
        : OptionalLong.empty();
  }

  /** The number when this is one, else null. Its exponent may be vast. */
  public @Nullable BigDecimal number() {
    return node.isNumber() ? node.decimalValue() : null;
  }

  /** An upper bound of what the values of such a text take in memory, in bytes. */
  public static long memoryOf(byte[] utf8) {
    return memoryOf(utf8, 0, utf8.length);
  }

  /** The same for a part of a text. */
  public static long memoryOf(byte[] utf8, int from, int to) {
    return TreeReader.memoryOf(utf8, from, to);
  }

  public int size() {
    return node.size();
  }

  /** The items of an array, empty for anything else. */
  public List<Json> items() {
    List<Json> items = new ArrayList<>(node.size());
    if (node.isArray()) {
      node.forEach(item -> items.add(new Json(item)));
    }
    return items;
  }

  /** The items of an array of strings, null for anything else. */
  public @Nullable List<String> stringList() {
    List<String> strings = new ArrayList<>(node.size());
    for (JsonNode item : node) {
      if (!item.isTextual()) {
        return null;
      }
      strings.add(item.textValue());
    }
    return node.isArray() ? strings : null;
  }

  /** The members of an object in their order, empty for anything else. */
  public Map<String, Json> members() {
    Map<String, Json> members = new LinkedHashMap<>();
    node.properties().forEach(entry -> members.put(entry.getKey(), new Json(entry.getValue())));
    return members;
  }

  /** A builder with the members of this object. */
  public Builder toBuilder() {
    Builder builder = new Builder();
    node.properties().forEach(entry -> builder.object().set(entry.getKey(), entry.getValue()));
    return builder;
  }

  public byte[] bytes() {
    try {
      return MAPPER.writeValueAsBytes(node);
    } catch (JsonProcessingException cannotBe) {
      throw new UncheckedIOException(cannotBe);
    }
  }

  public String pretty() {
    return node.toPrettyString();
  }

  /** Compact JSON text. It is the whole value: never for a log. */
  @Override
  public String toString() {
    return new String(bytes(), StandardCharsets.UTF_8);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Json json && node.equals(json.node);
  }

  @Override
  public int hashCode() {
    return node.hashCode();
  }

  /**
   * Makes one object; members keep the order in which they were put. It can be used until {@link
   * #build}, so that the value is not copied.
   */
  public static final class Builder {
    private @Nullable ObjectNode unfinished = JsonNodeFactory.instance.objectNode();

    private Builder() {}

    private ObjectNode object() {
      if (unfinished == null) {
        throw new IllegalStateException("the object was built");
      }
      return unfinished;
    }

    public Builder put(String name, String value) {
      object().put(name, value);
      return this;
    }

    public Builder put(String name, long value) {
      object().put(name, value);
      return this;
    }

    public Builder put(String name, boolean value) {
      object().put(name, value);
      return this;
    }

    public Builder put(String name, Json value) {
      object().set(name, value.node);
      return this;
    }

    public Builder put(String name, Builder value) {
      return put(name, value.build());
    }

    /** Puts the value unless it is missing or null. */
    public Builder putPresent(String name, Json value) {
      return value.isAbsent() ? this : put(name, value);
    }

    public Builder remove(String name) {
      object().remove(name);
      return this;
    }

    public Json build() {
      Json built = new Json(object());
      unfinished = null;
      return built;
    }
  }
}
