package luki.gateway.surface;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import luki.gateway.json.ByLibrary;
import luki.gateway.json.Json;
import luki.gateway.json.JsonSchema;
import luki.gateway.standin.Fixture;
import luki.gateway.standin.StandInReply;
import luki.gateway.testing.HttpReply;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Requests made from each operation's schemas: valid ones are accepted, ones with a single broken
 * constraint are refused at that place for that reason, and as the schema library says.
 */
class GeneratedRequestsTest {
  private static final long SEED = Long.getLong("luki.seed", 20_261_126L);
  private static final int VALID = Integer.getInteger("luki.generated", 30);
  private static final int ROUNDS = 2;
  private static final String NOT_VALID = "The request is not valid";

  @AutoClose
  private static final Fixture SERVER =
      Fixture.start(gateway -> gateway.with("MAX_HEADER_BYTES", "131072"));

  private static final String KEY =
      SERVER.gateway().key(List.of("*"), ContractOperation.allScopes().toArray(String[]::new));

  @TestFactory
  Stream<DynamicTest> acceptsValidRequestsAndRefusesThoseThatBreakOneConstraint() {
    // The stand-in pauses between tokens.
    SERVER
        .services()
        .override(
            "agent",
            "POST",
            "/v1/chat/stream",
            new StandInReply(
                200,
                Map.of("Content-Type", "text/event-stream"),
                "data: {\"token\":\"a\"}\n\nevent: done\ndata: {\"done\":true}\n\n"));
    return ContractOperation.all().stream()
        .filter(operation -> operation.takesBody() || !parameters(operation).isEmpty())
        // What a ticket is for is checked by its handler, not by its schema.
        .filter(operation -> !operation.id().equals("createStreamTicket"))
        .map(operation -> dynamicTest(operation.toString(), () -> new Generated(operation).run()));
  }

  /** A ticket stands in for all other parameters. */
  private static List<ContractOperation.Parameter> parameters(ContractOperation operation) {
    return operation.parameters().stream().filter(one -> !one.name().equals("ticket")).toList();
  }

  /** The requests of one operation. */
  private static final class Generated {
    private final ContractOperation operation;
    private final Random random;
    private final Json parameters;
    private final JsonSchema parameterSchema;
    private final JsonSchema bodySchema;

    Generated(ContractOperation operation) {
      this.operation = operation;
      this.random = new Random(SEED ^ operation.toString().hashCode());
      Json.Builder properties = Json.object();
      List<String> required = new ArrayList<>();
      for (ContractOperation.Parameter parameter : parameters(operation)) {
        properties.put(parameter.name(), parameter.schema());
        if (parameter.required()) {
          required.add(parameter.name());
        }
      }
      this.parameters =
          Json.object()
              .put("type", "object")
              .put("properties", properties.build())
              .put("required", Json.strings(required))
              .put("additionalProperties", false)
              .build();
      Json components = operation.root().at("components");
      this.parameterSchema = JsonSchema.compile(parameters, components);
      this.bodySchema =
          operation.takesBody() ? JsonSchema.compile(operation.bodySchema(), components) : null;
    }

    void run() {
      for (int i = 0; i < VALID; i++) {
        accepts(i % 2 == 0 ? Fixture.MARIA : "généré_" + random.nextInt(1000));
      }
      for (int round = 0; round < ROUNDS; round++) {
        SchemaValues values = values(Fixture.MARIA);
        for (SchemaValues.Broken broken : values.broken(parameters)) {
          if (isText(broken)) {
            refuses(broken, parameterSchema, ask(broken.value(), body(values)));
          }
        }
        if (bodySchema != null) {
          for (SchemaValues.Broken broken : values.broken(operation.bodySchema())) {
            refuses(broken, bodySchema, ask(values.valid(parameters), broken.value()));
          }
        }
      }
    }

    private SchemaValues values(String user) {
      return new SchemaValues(random, operation.root(), user);
    }

    private void accepts(String user) {
      SchemaValues values = values(user);
      Json sent = values.valid(parameters);
      Json body = body(values);
      assertEquals(List.of(), ByLibrary.violations(parameterSchema, sent), () -> seed(sent));
      if (bodySchema != null) {
        assertEquals(List.of(), ByLibrary.violations(bodySchema, body), () -> seed(body));
      }
      HttpReply reply = send(ask(sent, body));
      assertFalse(isInvalid(reply) && !isOfWebhooks(reply), () -> seed(sent + " " + body) + reply);
      assertTrue(reply.status() < 500, () -> seed(sent + " " + body) + reply);
    }

    private void refuses(SchemaValues.Broken broken, JsonSchema schema, Ask ask) {
      List<JsonSchema.Violation> expected = ByLibrary.violations(schema, broken.value());
      assertFalse(expected.isEmpty(), () -> "the library accepts " + seed(broken));
      HttpReply reply = send(ask);
      if (reply.status() == 414 && ask.target().length() > 8_000) {
        return;
      }
      assertTrue(isInvalid(reply), () -> "accepted: " + seed(broken) + reply);
      boolean inPath =
          operation.parameters("path").stream()
              .anyMatch(parameter -> broken.pointer().equals("/" + parameter.name()));
      // The owner's step has a say in ids of users, the router in paths; version 0 has no details.
      if (operation.isOld() || (inPath && schema == parameterSchema)) {
        return;
      }
      Set<String> details = new TreeSet<>();
      for (Json detail : reply.json().at("error").at("details").items()) {
        details.add(detail.at("pointer").string("") + " " + detail.at("rule").string(""));
      }
      if (!broken.rule().isEmpty()) {
        String detail = broken.pointer() + " " + broken.rule();
        assertTrue(details.contains(detail), () -> seed(broken) + details);
      }
      Set<String> wanted = new TreeSet<>();
      expected.forEach(each -> wanted.add(each.pointer() + " " + each.rule()));
      Stream.of(wanted, details).forEach(each -> each.removeIf(one -> one.startsWith("/user_id ")));
      assertEquals(wanted, details, () -> seed(broken));
    }

    private static boolean isInvalid(HttpReply reply) {
      return reply.status() == 400 && reply.body().contains(NOT_VALID);
    }

    /** What the schemas allow and the handlers of webhooks do not. */
    private static boolean isOfWebhooks(HttpReply reply) {
      List<Json> details = reply.json().at("error").at("details").items();
      return details.stream()
          .map(detail -> detail.at("pointer").string("") + " " + detail.at("rule").string(""))
          .allMatch(Set.of("/callback/webhook_id unknown", "/url address", " too_many")::contains);
    }

    private HttpReply send(Ask ask) {
      try {
        return ask.as(KEY).sendTo(SERVER.gateway());
      } catch (AssertionError failed) {
        throw new AssertionError(seed(ask), failed);
      }
    }

    private static String seed(Object what) {
      return what + "\nto repeat it: -Dluki.seed=" + SEED + "\n";
    }

    /** Whether each parameter can be sent with this value. */
    private boolean isText(SchemaValues.Broken broken) {
      for (ContractOperation.Parameter parameter : parameters(operation)) {
        Json value = broken.value().at(parameter.name());
        String text = value.string(value.toString());
        boolean isText = parameter.schema().at("type").string("").equals("string");
        // Another spelling of an integer is no integer there.
        boolean spelled = value.number() != null && !text.matches("-?[0-9]{1,18}");
        boolean typed = value.isScalar() && !value.isAbsent() && isText == (value.string() != null);
        boolean sendable =
            switch (parameter.in()) {
              case "path" -> typed && !text.isEmpty();
              case "header" -> value.isMissing() || (typed && text.matches("[!-~]+( [!-~]+)*"));
              default -> value.isMissing() || typed;
            };
        if (spelled || !sendable) {
          return false;
        }
      }
      return broken.value().isObject();
    }

    private Json body(SchemaValues values) {
      return bodySchema == null ? Json.MISSING : consistent(values.valid(operation.bodySchema()));
    }

    /** What the contract says in words alone. */
    private Json consistent(Json body) {
      if (operation.isOld() && !body.at("messages").isMissing()) {
        List<Json> turns = new ArrayList<>(body.at("messages").items());
        Json last = Json.object().put("role", "user").put("content", "a").build();
        turns.set(turns.size() - 1, last);
        return body.toBuilder().put("messages", Json.array(turns)).build();
      }
      if (!operation.id().equals("changeConsent")) {
        return body;
      }
      Set<Json> scopes = new HashSet<>();
      List<Json> grants =
          body.at("grants").items().stream().filter(one -> scopes.add(one.at("scope"))).toList();
      List<Json> revokes = body.at("revokes").items().stream().filter(scopes::add).toList();
      return Json.object()
          .put("grants", Json.array(grants))
          .put("revokes", Json.array(revokes))
          .build();
    }

    private Ask ask(Json sent, Json body) {
      Ask ask = Ask.of(operation.method(), operation.template());
      for (ContractOperation.Parameter parameter : parameters(operation)) {
        Json value = sent.at(parameter.name());
        if (!value.isMissing()) {
          ask = ask.with(parameter, value.string(value.toString()));
        }
      }
      for (String name : sent.members().keySet()) {
        if (parameters(operation).stream().noneMatch(one -> one.name().equals(name))) {
          ask = ask.query(name, sent.at(name).string(""));
        }
      }
      return bodySchema == null ? ask : ask.json(body.toString());
    }
  }
}
