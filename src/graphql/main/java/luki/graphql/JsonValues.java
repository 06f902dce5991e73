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
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import luki.gateway.json.Json;
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
    append(value, text);
    return text.toString();
  }

  private static void append(@Nullable Object value, StringBuilder to) {
    switch (value) {
      case null -> to.append("null");
      case Map<?, ?> members -> {
        to.append('{');
        members.forEach(
            (name, member) -> {
              to.append(to.charAt(to.length() - 1) == '{' ? "" : ",");
              to.append(Json.of(String.valueOf(name))).append(':');
              append(member, to);
            });
        to.append('}');
      }
      case Iterable<?> items -> {
        to.append('[');
        for (Object item : items) {
          to.append(to.charAt(to.length() - 1) == '[' ? "" : ",");
          append(item, to);
        }
        to.append(']');
      }
      case Boolean flag -> to.append(flag);
      case BigDecimal number -> to.append(number);
      case BigInteger number -> to.append(number);
      case Number number -> to.append(number);
      default -> to.append(Json.of(String.valueOf(value)));
    }
  }
}
