package luki.graphql;

import graphql.Scalars;
import graphql.schema.GraphQLEnumType;
import graphql.schema.GraphQLInputObjectField;
import graphql.schema.GraphQLInputObjectType;
import graphql.schema.GraphQLInputType;
import graphql.schema.GraphQLList;
import graphql.schema.GraphQLNonNull;
import graphql.schema.GraphQLObjectType;
import graphql.schema.GraphQLOutputType;
import graphql.schema.GraphQLScalarType;
import graphql.schema.GraphQLTypeReference;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import luki.gateway.json.Json;
import org.jspecify.annotations.Nullable;

/**
 * The contract's schemas as types. What GraphQL cannot say (unions of scalars, maps) is {@code
 * JSON}; the contract's own checks apply to each call in any case.
 */
final class TypeMapper {
  private static final Pattern NAME = Pattern.compile("[A-Za-z][_0-9A-Za-z]*");
  private static final Set<String> NO_ENUM_VALUE = Set.of("true", "false", "null");
  private static final String SCHEMAS = "#/components/schemas/";

  private final Json contract;
  private final Map<String, GraphQLOutputType> outputs = new HashMap<>();
  private final Map<String, GraphQLInputType> inputs = new HashMap<>();

  TypeMapper(Json contract) {
    this.contract = contract;
  }

  /** What a reference leads to; the value itself where it is none. */
  Json resolve(Json value) {
    String reference = value.at("$ref").string();
    return reference == null ? value : contract.pointer(reference.substring(1));
  }

  private static String nameOf(Json schema, String otherwise) {
    String reference = schema.at("$ref").string("");
    return reference.startsWith(SCHEMAS) ? reference.substring(SCHEMAS.length()) : otherwise;
  }

  private static String nested(String type, String member) {
    return type + Character.toUpperCase(member.charAt(0)) + member.substring(1);
  }

  /** The members of an object with a fixed set of them; null where there is no such set. */
  private @Nullable Map<String, Json> members(Json schema) {
    Map<String, Json> members = new LinkedHashMap<>();
    for (Json part : schema.at("allOf").items()) {
      Map<String, Json> inherited = members(resolve(part));
      if (inherited == null) {
        return null;
      }
      members.putAll(inherited);
    }
    members.putAll(schema.at("properties").members());
    boolean named = members.keySet().stream().allMatch(name -> NAME.matcher(name).matches());
    return members.isEmpty() || !named ? null : members;
  }

  private static boolean isUnion(Json schema) {
    return !schema.at("oneOf").isMissing() || !schema.at("anyOf").isMissing();
  }

  /** Its type; that of a value that may also be null. */
  private static String typeOf(Json schema) {
    Json type = schema.at("type");
    List<String> types =
        type.items().stream()
            .map(each -> each.string(""))
            .filter(each -> !each.equals("null"))
            .toList();
    return types.size() == 1 ? types.getFirst() : type.string("");
  }

  private static GraphQLScalarType scalar(Json schema, String type) {
    return switch (type) {
      case "string" -> Scalars.GraphQLString;
      case "boolean" -> Scalars.GraphQLBoolean;
      case "number" -> Scalars.GraphQLFloat;
      case "integer" ->
          schema.at("maximum").integer().orElse(Long.MAX_VALUE) <= Integer.MAX_VALUE
              ? Scalars.GraphQLInt
              : JsonValues.LONG;
      default -> JsonValues.JSON;
    };
  }

  GraphQLOutputType output(Json declared, String otherwise) {
    Json schema = resolve(declared);
    String type = typeOf(schema);
    if (type.equals("array")) {
      return GraphQLList.list(output(schema.at("items"), otherwise + "Item"));
    }
    Map<String, Json> members = isUnion(schema) ? null : members(schema);
    return members == null
        ? scalar(schema, type)
        : object(nameOf(declared, otherwise), schema, members);
  }

  private GraphQLOutputType object(String name, Json schema, Map<String, Json> members) {
    GraphQLOutputType known = outputs.putIfAbsent(name, GraphQLTypeReference.typeRef(name));
    if (known != null) {
      return known;
    }
    GraphQLObjectType.Builder object =
        GraphQLObjectType.newObject().name(name).description(schema.at("description").string());
    members.forEach(
        (member, each) ->
            object.field(
                field ->
                    field
                        .name(member)
                        .description(descriptionOf(each))
                        .type(output(each, nested(name, member)))));
    GraphQLOutputType made = object.build();
    outputs.put(name, made);
    return made;
  }

  GraphQLInputType input(Json declared, String otherwise) {
    Json schema = resolve(declared);
    String type = typeOf(schema);
    if (type.equals("array")) {
      return GraphQLList.list(input(schema.at("items"), otherwise + "Item"));
    }
    if (!schema.at("enum").isMissing() && type.equals("string")) {
      return enumeration(nameOf(declared, otherwise), schema);
    }
    // An object with further members would lose them.
    Map<String, Json> members =
        isUnion(schema) || !schema.at("additionalProperties").isFalse() ? null : members(schema);
    return members == null
        ? scalar(schema, type)
        : object(nameOf(declared, otherwise) + "Input", schema, members, required(schema));
  }

  private GraphQLInputType enumeration(String name, Json schema) {
    List<String> values = schema.at("enum").items().stream().map(each -> each.string("")).toList();
    boolean named =
        values.stream()
            .allMatch(each -> NAME.matcher(each).matches() && !NO_ENUM_VALUE.contains(each));
    if (!named) {
      return Scalars.GraphQLString;
    }
    return inputs.computeIfAbsent(
        name,
        _ -> {
          GraphQLEnumType.Builder made = GraphQLEnumType.newEnum().name(name);
          values.forEach(made::value);
          return made.build();
        });
  }

  private static Set<String> required(Json schema) {
    Set<String> required = new HashSet<>();
    schema.at("required").items().forEach(name -> required.add(name.string("")));
    return required;
  }

  private GraphQLInputType object(
      String name, Json schema, Map<String, Json> members, Set<String> required) {
    GraphQLInputType known = inputs.putIfAbsent(name, GraphQLTypeReference.typeRef(name));
    if (known != null) {
      return known;
    }
    GraphQLInputObjectType.Builder object =
        GraphQLInputObjectType.newInputObject()
            .name(name)
            .description(schema.at("description").string());
    members.forEach(
        (member, each) -> {
          GraphQLInputType type = input(each, nested(name, member));
          object.field(
              GraphQLInputObjectField.newInputObjectField()
                  .name(member)
                  .description(descriptionOf(each))
                  .type(required.contains(member) ? GraphQLNonNull.nonNull(type) : type)
                  .build());
        });
    GraphQLInputType made = object.build();
    inputs.put(name, made);
    return made;
  }

  private @Nullable String descriptionOf(Json declared) {
    String own = declared.at("description").string();
    return own == null ? resolve(declared).at("description").string() : own;
  }
}
