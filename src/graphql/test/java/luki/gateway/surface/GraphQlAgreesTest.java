package luki.gateway.surface;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import graphql.language.AstPrinter;
import graphql.language.FieldDefinition;
import graphql.language.InputValueDefinition;
import graphql.language.ListType;
import graphql.language.NonNullType;
import graphql.language.ObjectTypeDefinition;
import graphql.language.Type;
import graphql.language.TypeName;
import graphql.schema.idl.SchemaParser;
import graphql.schema.idl.TypeDefinitionRegistry;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import luki.gateway.json.Json;
import luki.gateway.standin.Fixture;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.TestGateway;
import luki.graphql.WithGraphQl;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Each operation over HTTP and as a field, with the same callers and inputs: the same verdict, and
 * where both answer, the same data.
 */
class GraphQlAgreesTest {
  private static final long SEED = Long.getLong("luki.seed", 20_261_126L);
  private static final int VALID = 6;
  private static final String OK = "OK";

  @AutoClose private static final Fixture SERVER = WithGraphQl.fixture();
  private static final TestGateway GATEWAY = SERVER.gateway();
  private static final Callers CALLERS = new Callers(GATEWAY);
  private static final TypeDefinitionRegistry SCHEMA =
      new SchemaParser().parse(GATEWAY.client("ops:read").get("/graphql/schema").body());

  /** The operations that need a caller and answer with JSON at once. */
  private static List<ContractOperation> operations() {
    return ContractOperation.all().stream()
        .filter(each -> !each.isPublic() && !each.isOld() && !each.isUpgrade() && !each.isStream())
        // Its reply is a text where it is not public.
        .filter(each -> !each.id().equals("getMetrics"))
        .toList();
  }

  /** What a request came to: OK or an error code, and the data. */
  private record Verdict(String code, Json data) {}

  /** The values of all parameters and the body. */
  private record Input(Map<String, Json> parameters, Json body) {
    Ask ask(ContractOperation operation) {
      Ask ask = Ask.of(operation.method(), operation.template());
      for (ContractOperation.Parameter parameter : operation.parameters()) {
        Json value = parameters.get(parameter.name());
        if (value != null && !parameter.in().equals("header")) {
          ask = ask.with(parameter, value.string(value.toString()));
        }
      }
      return operation.takesBody() ? ask.json(body.toString()) : ask;
    }
  }

  @Test
  void everyOperationIsAField() {
    Set<String> fields = new TreeSet<>();
    for (String root : List.of("Query", "Mutation")) {
      type(root).getFieldDefinitions().forEach(field -> fields.add(field.getName()));
    }
    assertEquals(
        operations().stream()
            .map(ContractOperation::id)
            .collect(Collectors.toCollection(TreeSet::new)),
        fields);
    assertEquals(
        List.of("chatStream"),
        type("Subscription").getFieldDefinitions().stream().map(FieldDefinition::getName).toList());
  }

  @TestFactory
  Stream<DynamicTest> theExamplesGiveTheSameForEachCaller() {
    return operations().stream()
        .map(
            operation ->
                dynamicTest(
                    operation.toString(),
                    () -> {
                      Input input = example(operation);
                      String anna =
                          GATEWAY.key(
                              List.of("anna"),
                              ContractOperation.allScopes().toArray(String[]::new));
                      String any =
                          GATEWAY.key(List.of("*"), operation.scopes().toArray(String[]::new));
                      agrees(operation, input, CALLERS.full());
                      agrees(operation, input, CALLERS.without(operation));
                      agrees(operation, input, anna);
                      agrees(operation, input, any);
                    }));
  }

  @TestFactory
  Stream<DynamicTest> generatedInputsGiveTheSame() {
    return operations().stream()
        .filter(operation -> !operation.id().equals("createStreamTicket"))
        .map(operation -> dynamicTest(operation.toString(), () -> generated(operation)));
  }

  /** Without the callback of a job, which is there over HTTP alone. */
  private static Json bodySchema(ContractOperation operation) {
    Json schema = operation.bodySchema();
    Json properties = schema.at("properties");
    return properties.at("callback").isMissing()
        ? schema
        : schema.toBuilder()
            .put("properties", properties.toBuilder().remove("callback").build())
            .build();
  }

  private static void generated(ContractOperation operation) {
    Random random = new Random(SEED ^ operation.toString().hashCode());
    SchemaValues values = new SchemaValues(random, operation.root(), Fixture.MARIA);
    for (int i = 0; i < VALID; i++) {
      Map<String, Json> parameters = new LinkedHashMap<>();
      for (ContractOperation.Parameter parameter : operation.parameters()) {
        if (!parameter.in().equals("header") && (parameter.required() || random.nextBoolean())) {
          parameters.put(parameter.name(), values.valid(parameter.schema()));
        }
      }
      Json body = operation.takesBody() ? values.valid(bodySchema(operation)) : Json.MISSING;
      agrees(operation, new Input(parameters, body), CALLERS.full());
    }
    if (operation.takesBody()) {
      Map<String, Json> parameters = example(operation).parameters;
      for (SchemaValues.Broken broken : values.broken(bodySchema(operation))) {
        Input input = new Input(parameters, broken.value());
        agrees(
            operation,
            isListOfOne(operation, broken) ? inList(input, broken) : input,
            CALLERS.full());
      }
    }
  }

  /** GraphQL §3.11: for a list, a value that is none is a list with this item. */
  private static boolean isListOfOne(ContractOperation operation, SchemaValues.Broken broken) {
    Json declared =
        operation.resolve(
            bodySchema(operation).at("properties").at(broken.pointer().replaceFirst("/", "")));
    return broken.rule().equals("type") && declared.at("type").string("").equals("array");
  }

  private static Input inList(Input input, SchemaValues.Broken broken) {
    String name = broken.pointer().substring(1);
    Json list = Json.array(List.of(broken.value().at(name)));
    return new Input(input.parameters, input.body.toBuilder().put(name, list).build());
  }

  private static Input example(ContractOperation operation) {
    Map<String, Json> parameters = new LinkedHashMap<>();
    for (ContractOperation.Parameter parameter : operation.parameters()) {
      if (!parameter.in().equals("header")) {
        parameters.put(parameter.name(), parameter.example());
      }
    }
    return new Input(parameters, operation.takesBody() ? operation.bodyExample() : Json.MISSING);
  }

  private static void agrees(ContractOperation operation, Input input, String key) {
    Verdict before = rest(operation, input, key);
    Verdict field = graphQl(operation, input, key);
    Verdict after = rest(operation, input, key);
    String about = operation + " " + input + "\nto repeat it: -Dluki.seed=" + SEED + "\n";
    if (before.code.equals(after.code)) {
      assertEquals(before.code, field.code, about);
    } else {
      // What is deleted is deleted once.
      assertTrue(Set.of(before.code, after.code).contains(field.code), about + field);
    }
    if (before.code.equals(OK) && after.code.equals(OK)) {
      same("", before.data, after.data, field.data, about);
    }
  }

  /** Compares what two replies over HTTP have in common with what the field has. */
  private static void same(String at, Json one, Json other, Json field, String about) {
    if (field.isObject() && one.isObject()) {
      field
          .members()
          .forEach(
              (name, member) -> same(at + "/" + name, one.at(name), other.at(name), member, about));
    } else if (one.isArray() && other.isArray() && one.size() == other.size()) {
      assertEquals(one.size(), field.size(), about + at);
      for (int i = 0; i < one.size(); i++) {
        same(at + "/" + i, one.at(i), other.at(i), field.at(i), about);
      }
    } else if (one.equals(other)) {
      BigDecimal number = one.number();
      BigDecimal found = field.number();
      boolean bothNumbers = number != null && found != null;
      boolean bothAbsent = one.isAbsent() && field.isAbsent();
      boolean equal =
          bothAbsent || (bothNumbers ? number.compareTo(found) == 0 : one.equals(field));
      assertTrue(equal, () -> about + at + ": " + one + " is " + field);
    }
  }

  private static Verdict rest(ContractOperation operation, Input input, String key) {
    HttpReply reply = input.ask(operation).as(key).sendUnchecked(GATEWAY);
    if (reply.status() < 300) {
      return new Verdict(OK, reply.body().isEmpty() ? Json.of(true) : reply.json());
    }
    return new Verdict(reply.code(), Json.MISSING);
  }

  private static Verdict graphQl(ContractOperation operation, Input input, String key) {
    String root =
        operation.method().equals("GET") || operation.template().endsWith("/search")
            ? "Query"
            : "Mutation";
    FieldDefinition field =
        type(root).getFieldDefinitions().stream()
            .filter(each -> each.getName().equals(operation.id()))
            .findFirst()
            .orElseThrow();
    List<String> declared = new ArrayList<>();
    List<String> passed = new ArrayList<>();
    Json.Builder variables = Json.object();
    for (InputValueDefinition argument : field.getInputValueDefinitions()) {
      String name = argument.getName();
      Json value = name.equals("input") ? input.body : input.parameters.get(name);
      if (value != null && !value.isMissing()) {
        declared.add("$" + name + ": " + AstPrinter.printAst(argument.getType()));
        passed.add(name + ": $" + name);
        variables.put(name, value);
      }
    }
    String document =
        root.toLowerCase(Locale.ROOT)
            + (declared.isEmpty() ? "" : "(" + String.join(", ", declared) + ")")
            + " { "
            + operation.id()
            + (passed.isEmpty() ? "" : "(" + String.join(", ", passed) + ")")
            + selection(field.getType())
            + " }";
    Json request = Json.object().put("query", document).put("variables", variables.build()).build();
    HttpReply reply =
        new Client(GATEWAY, key)
            .post("/graphql", request.toString(), "Accept", "application/graphql-response+json");
    Json error = reply.json().at("error");
    if (!error.isMissing()) {
      return new Verdict(error.at("code").string(""), Json.MISSING);
    }
    Json first = reply.json().pointer("/errors/0/extensions/code");
    return first.isMissing()
        ? new Verdict(OK, reply.json().at("data").at(operation.id()))
        : new Verdict(first.string(""), Json.MISSING);
  }

  private static ObjectTypeDefinition type(String name) {
    return SCHEMA.getTypeOrNull(name, ObjectTypeDefinition.class);
  }

  /** All fields of a type, those of their types too. */
  private static String selection(Type<?> type) {
    return switch (type) {
      case NonNullType present -> selection(present.getType());
      case ListType list -> selection(list.getType());
      case TypeName named -> {
        ObjectTypeDefinition object = type(named.getName());
        yield object == null
            ? ""
            : object.getFieldDefinitions().stream()
                .map(field -> field.getName() + selection(field.getType()))
                .collect(Collectors.joining(" ", " { ", " }"));
      }
      default -> throw new IllegalArgumentException(type.toString());
    };
  }
}
