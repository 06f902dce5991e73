package luki.graphql;

import graphql.Scalars;
import graphql.schema.DataFetcher;
import graphql.schema.FieldCoordinates;
import graphql.schema.GraphQLArgument;
import graphql.schema.GraphQLCodeRegistry;
import graphql.schema.GraphQLFieldDefinition;
import graphql.schema.GraphQLInputType;
import graphql.schema.GraphQLNonNull;
import graphql.schema.GraphQLObjectType;
import graphql.schema.GraphQLOutputType;
import graphql.schema.GraphQLSchema;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import luki.gateway.http.Method;
import luki.gateway.http.Route;
import luki.gateway.json.Json;

/**
 * Derives the schema from the contract: a field for each operation that needs a caller and whose
 * reply is JSON. Reading operations are queries, the others mutations, an event stream with a body
 * is a subscription.
 */
final class SchemaCompiler {
  static final String QUERY = "Query";
  static final String MUTATION = "Mutation";
  static final String SUBSCRIPTION = "Subscription";
  private static final String EVENTS = "text/event-stream";
  private static final String OWN = "/graphql";

  private final Json contract;
  private final TypeMapper types;
  private final Map<String, GraphQLObjectType.Builder> roots = new HashMap<>();
  private final Map<String, Operation> operations = new HashMap<>();
  private final GraphQLCodeRegistry.Builder code = GraphQLCodeRegistry.newCodeRegistry();

  /** The schema, and the operation of each field of its root types. */
  record Compiled(GraphQLSchema schema, Map<String, Operation> operations) {
    Compiled {
      operations = Map.copyOf(operations);
    }
  }

  /** How the fields of a root type are fetched. */
  @FunctionalInterface
  interface Fetchers {
    DataFetcher<?> of(Operation operation, String root);
  }

  private SchemaCompiler(Json contract) {
    this.contract = contract;
    this.types = new TypeMapper(contract);
    for (String root : List.of(QUERY, MUTATION, SUBSCRIPTION)) {
      roots.put(root, GraphQLObjectType.newObject().name(root));
    }
  }

  static Compiled compile(Json contract, List<Route.Served> routes, Fetchers fetchers) {
    SchemaCompiler compiler = new SchemaCompiler(contract);
    for (Route.Served route : routes) {
      if (isField(route)) {
        compiler.add(route, fetchers);
      }
    }
    GraphQLSchema.Builder schema = GraphQLSchema.newSchema().codeRegistry(compiler.code.build());
    compiler.roots.forEach(
        (name, root) -> {
          GraphQLObjectType type = root.build();
          if (type.getFieldDefinitions().isEmpty()) {
            return;
          }
          switch (name) {
            case QUERY -> schema.query(type);
            case MUTATION -> schema.mutation(type);
            default -> schema.subscription(type);
          }
        });
    return new Compiled(schema.build(), compiler.operations);
  }

  private static boolean isField(Route.Served route) {
    Route.Operation operation = route.operation();
    return !route.policy().isPublic()
        && route.version() == null
        && !route.template().startsWith(OWN)
        && (operation.produces().equals(EVENTS)
            ? operation.takesBody()
            : operation.produces().equals("application/json"));
  }

  private void add(Route.Served route, Fetchers fetchers) {
    Route.Operation operation = route.operation();
    Json declared =
        contract
            .at("paths")
            .at(route.template())
            .at(route.method().name().toLowerCase(Locale.ROOT));
    Json success = success(declared);
    if (success.isMissing()) {
      // Such as the handshake of a WebSocket.
      return;
    }
    String root =
        operation.isEventStream()
            ? SUBSCRIPTION
            : route.method() == Method.GET || route.template().endsWith("/search")
                ? QUERY
                : MUTATION;
    List<GraphQLArgument> arguments = new ArrayList<>();
    List<String> inPath = new ArrayList<>();
    List<String> inQuery = new ArrayList<>();
    for (Json reference : declared.at("parameters").items()) {
      Json parameter = types.resolve(reference);
      String name = parameter.at("name").string("");
      switch (parameter.at("in").string("")) {
        case "path" -> inPath.add(name);
        case "query" -> inQuery.add(name);
        default -> {
          continue;
        }
      }
      arguments.add(
          argument(
              name,
              types.input(parameter.at("schema"), nested(operation.id(), name)),
              parameter.at("required").isTrue(),
              parameter.at("description").string("")));
    }
    Json body = types.resolve(declared.at("requestBody"));
    if (operation.takesBody()) {
      Json schema = body.at("content").at("application/json").at("schema");
      arguments.add(
          argument(Operation.INPUT, types.input(schema, capital(operation.id())), true, ""));
    }
    Json content = success.at("content").at("application/json").at("schema");
    Operation field =
        new Operation(
            operation.id(),
            route.method(),
            route.template(),
            inPath,
            inQuery,
            operation.takesBody() ? Operation.INPUT : "",
            !content.isMissing() || operation.isEventStream(),
            Math.max(1, route.policy().limits().cost()));
    GraphQLOutputType type =
        operation.isEventStream()
            ? event()
            : content.isMissing()
                ? Scalars.GraphQLBoolean
                : types.output(content, capital(operation.id()) + "Reply");
    root(root, field, declared, arguments, type, fetchers);
  }

  private void root(
      String root,
      Operation operation,
      Json declared,
      List<GraphQLArgument> arguments,
      GraphQLOutputType type,
      Fetchers fetchers) {
    GraphQLObjectType.Builder builder = roots.get(root);
    if (builder == null) {
      throw new IllegalStateException(root);
    }
    builder.field(
        GraphQLFieldDefinition.newFieldDefinition()
            .name(operation.id())
            .description(declared.at("summary").string())
            .arguments(arguments)
            .type(type)
            .build());
    code.dataFetcher(
        FieldCoordinates.coordinates(root, operation.id()), fetchers.of(operation, root));
    operations.put(operation.id(), operation);
  }

  private Json success(Json declared) {
    return declared.at("responses").members().entrySet().stream()
        .filter(each -> each.getKey().startsWith("2"))
        .map(each -> types.resolve(each.getValue()))
        .findFirst()
        .orElse(Json.MISSING);
  }

  private GraphQLOutputType event() {
    return GraphQLObjectType.newObject()
        .name("ChatEvent")
        .description("A token of the answer; the last one has done and what belongs to it.")
        .field(field -> field.name("token").type(Scalars.GraphQLString))
        .field(field -> field.name("done").type(Scalars.GraphQLBoolean))
        .field(field -> field.name("tool_calls").type(JsonValues.JSON))
        .field(
            field ->
                field
                    .name("meta")
                    .type(
                        types.output(
                            Json.object().put("$ref", "#/components/schemas/ChatMeta").build(),
                            "ChatMeta")))
        .build();
  }

  private static GraphQLArgument argument(
      String name, GraphQLInputType type, boolean required, String description) {
    return GraphQLArgument.newArgument()
        .name(name)
        .description(description)
        .type(required ? GraphQLNonNull.nonNull(type) : type)
        .build();
  }

  private static String capital(String id) {
    return Character.toUpperCase(id.charAt(0)) + id.substring(1);
  }

  private static String nested(String id, String name) {
    return capital(id) + capital(name);
  }
}
