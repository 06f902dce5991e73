package luki.graphql;

import graphql.GraphQLContext;
import graphql.execution.CoercedVariables;
import graphql.language.ArrayValue;
import graphql.language.BooleanValue;
import graphql.language.EnumValue;
import graphql.language.FloatValue;
import graphql.language.IntValue;
import graphql.language.NullValue;
import graphql.language.ObjectField;
import graphql.language.ObjectValue;
import graphql.language.StringValue;
import graphql.language.Value;
import graphql.language.VariableReference;
import graphql.schema.Coercing;
import graphql.schema.CoercingParseLiteralException;
import graphql.schema.CoercingParseValueException;
import graphql.schema.GraphQLScalarType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import luki.gateway.json.Json;
import luki.http1.ByteBudget;
import org.jspecify.annotations.Nullable;

/** JSON as the objects that graphql-java works with, and back. */
final class JsonValues {
  /** For what a schema does not describe as an object, a list or a scalar of one type. */
  static final GraphQLScalarType JSON = scalar("JSON", "Any JSON value.", false);

  /** For whole numbers that may exceed 32 bits. */
  static final GraphQLScalarType LONG = scalar("Long", "A whole number of up to 64 bits.", true);

  private JsonValues() {}

  private static GraphQLScalarType scalar(String name, String description, boolean integer) {
    return GraphQLScalarType.newScalar()
        .name(name)
        .description(description)
        .coercing(new Passed(integer))
        .build();
  }

  /** The value as it is; of a literal, its value. */
  private static final class Passed implements Coercing<Object, Object> {
    private final boolean integer;

    private Passed(boolean integer) {
      this.integer = integer;
    }

    @Override
    public Object serialize(Object value, GraphQLContext context, Locale locale) {
      return value;
    }

    @Override
    public Object parseValue(Object value, GraphQLContext context, Locale locale) {
      if (integer && !(value instanceof Long || value instanceof Integer)) {
        throw new CoercingParseValueException("must be a whole number");
      }
      return value;
    }

    @Override
    public @Nullable Object parseLiteral(
        Value<?> literal, CoercedVariables variables, GraphQLContext context, Locale locale) {
      if (integer && !(literal instanceof IntValue)) {
        throw new CoercingParseLiteralException("must be a whole number");
      }
      return ofLiteral(literal, variables);
    }
  }

  private static @Nullable Object ofLiteral(Value<?> literal, CoercedVariables variables) {
    return switch (literal) {
      case StringValue text -> text.getValue();
      case BooleanValue flag -> flag.isValue();
      case IntValue number -> number.getValue();
      case FloatValue number -> number.getValue();
      case EnumValue name -> name.getName();
      case VariableReference reference -> variables.get(reference.getName());
      case ArrayValue list -> {
        List<@Nullable Object> items = new ArrayList<>();
        list.getValues().forEach(item -> items.add(ofLiteral(item, variables)));
        yield items;
      }
      case ObjectValue object -> {
        Map<String, @Nullable Object> members = new LinkedHashMap<>();
        for (ObjectField field : object.getObjectFields()) {
          members.put(field.getName(), ofLiteral(field.getValue(), variables));
        }
        yield members;
      }
      case NullValue _ -> null;
      default -> throw new CoercingParseLiteralException("is no JSON value");
    };
  }

  static @Nullable Object of(Json json) {
    if (json.isObject()) {
      Map<String, @Nullable Object> members = new LinkedHashMap<>();
      json.members().forEach((name, member) -> members.put(name, of(member)));
      return members;
    }
    if (json.isArray()) {
      List<@Nullable Object> items = new ArrayList<>();
      json.items().forEach(item -> items.add(of(item)));
      return items;
    }
    if (json.isTrue() || json.isFalse()) {
      return json.isTrue();
    }
    OptionalLong whole = json.integer();
    return whole.isPresent()
        ? (Object) whole.getAsLong()
        : json.number() == null ? json.string() : json.number();
  }

  /** The members of an object; none for anything else. */
  static Map<String, @Nullable Object> membersOf(Json json) {
    Map<String, @Nullable Object> members = new LinkedHashMap<>();
    json.members().forEach((name, member) -> members.put(name, of(member)));
    return members;
  }

  /** As JSON text. */
  static String text(@Nullable Object value) {
    StringBuilder text = new StringBuilder();
    try {
      append(value, text);
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
    return text.toString();
  }

  /**
   * As JSON text in UTF-8. A document may ask for one value under many names, so the text can be
   * many times what was read: room for it is taken while its length is found out.
   */
  static byte[] bytes(@Nullable Object value, ByteBudget.Lease memory) throws IOException {
    Room room = new Room(memory);
    write(value, room);
    Exact text = new Exact(Math.toIntExact(room.length));
    write(value, text);
    return text.toByteArray();
  }

  private static void write(@Nullable Object value, OutputStream to) throws IOException {
    try (Writer text = new OutputStreamWriter(to, StandardCharsets.UTF_8)) {
      append(value, text);
    }
  }

  private static void append(@Nullable Object value, Appendable to) throws IOException {
    switch (value) {
      case null -> to.append("null");
      case Map<?, ?> members -> {
        String before = "{";
        for (Map.Entry<?, ?> member : members.entrySet()) {
          to.append(before).append(Json.of(String.valueOf(member.getKey())).toString()).append(':');
          append(member.getValue(), to);
          before = ",";
        }
        to.append(members.isEmpty() ? "{}" : "}");
      }
      case Iterable<?> items -> {
        to.append('[');
        String before = "";
        for (Object item : items) {
          to.append(before);
          append(item, to);
          before = ",";
        }
        to.append(']');
      }
      case Boolean flag -> to.append(flag.toString());
      case Number number -> to.append(number.toString());
      default -> to.append(Json.of(String.valueOf(value)).toString());
    }
  }

  /** Counts what is written and takes room for it. */
  private static final class Room extends OutputStream {
    private final ByteBudget.Lease memory;
    private long length;

    private Room(ByteBudget.Lease memory) {
      this.memory = memory;
    }

    @Override
    public void write(int octet) throws IOException {
      write(new byte[1], 0, 1);
    }

    @Override
    public void write(byte[] bytes, int from, int count) throws IOException {
      memory.take(count);
      length += count;
    }
  }

  /** Gives its own array, which has the right length, and not a copy. */
  private static final class Exact extends ByteArrayOutputStream {
    private Exact(int length) {
      super(length);
    }

    @Override
    public synchronized byte[] toByteArray() {
      return count == buf.length ? buf : super.toByteArray();
    }
  }
}
