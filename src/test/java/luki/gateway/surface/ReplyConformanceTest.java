package luki.gateway.surface;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Stream;
import luki.gateway.json.Json;
import luki.gateway.json.JsonSchema;
import luki.gateway.standin.Fixture;
import luki.gateway.testing.HttpReply;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Replies are as the document says: statuses, media types, schemas, headers. */
class ReplyConformanceTest {
  @AutoClose
  private static final Fixture SERVER =
      Fixture.start(gateway -> gateway.with("METRICS_ACCESS", "scope"));

  private static final Callers CALLERS = new Callers(SERVER.gateway());

  @TestFactory
  Stream<DynamicTest> answersTheExamplesAsTheDocumentSays() {
    return each(
        operation ->
            conforms(operation, example(operation).as(CALLERS.full()).sendTo(SERVER.gateway())));
  }

  /** What is replaced or deleted is needed by the others. */
  @Test
  void theExamplesSucceedWithTheServicesOfMakeRun() {
    try (Fixture fresh = Fixture.start()) {
      Callers callers = new Callers(fresh.gateway());
      ContractOperation.all().stream()
          .filter(operation -> !operation.isUpgrade())
          .sorted(
              Comparator.comparingInt(
                  operation -> List.of("PUT", "DELETE").indexOf(operation.method())))
          .forEach(
              operation -> {
                HttpReply reply = example(operation).as(callers.full()).sendTo(fresh.gateway());
                // Both versions delete the one session of the examples; ids of webhooks are random.
                boolean gone =
                    reply.status() == 404
                        && (operation.id().endsWith("LifeStoryV0") || operation.isOfOneWebhook());
                assertTrue(reply.status() < 300 || gone, () -> operation + ": " + reply);
              });
    }
  }

  @TestFactory
  Stream<DynamicTest> takesAnApiKeyInItsOwnHeaderToo() {
    return each(
        operation ->
            conforms(
                operation,
                example(operation).header("X-API-Key", CALLERS.full()).sendTo(SERVER.gateway())));
  }

  /** RFC 9110 §9.3.2: the same fields, and no content. */
  @TestFactory
  Stream<DynamicTest> answersHeadAsGetWithoutItsBody() {
    return each(
        operation -> {
          if (operation.method().equals("GET")) {
            Ask good = CALLERS.good(operation);
            HttpReply get = good.sendTo(SERVER.gateway());
            SERVER.forget();
            HttpReply head = good.method("HEAD").sendTo(SERVER.gateway()).expect(get.status());
            assertEquals("", head.rest());
            assertEquals(fieldNames(get), fieldNames(head));
            for (String name : List.of("Content-Type", "Cache-Control")) {
              assertEquals(get.all(name), head.all(name));
            }
            if (operation.isStream()) {
              assertEquals(List.of(), SERVER.calls("agent"));
            }
          }
        });
  }

  @TestFactory
  Stream<DynamicTest> refusesHeadWithoutABodyToo() {
    return each(
        operation -> {
          if (operation.method().equals("GET") && !operation.isPublic()) {
            HttpReply head = operation.good().method("HEAD").sendTo(SERVER.gateway()).expect(401);
            assertEquals("", head.rest());
            assertEquals("Bearer realm=\"luki\"", head.only("WWW-Authenticate"));
            Envelope.headersHold(head, operation.template().startsWith("/v1"));
          }
        });
  }

  @TestFactory
  Stream<DynamicTest> answersOptionsEverywhereWithoutACredential() {
    return each(
        operation -> {
          Ask options = operation.bare().method("OPTIONS");
          HttpReply answer = options.sendTo(SERVER.gateway()).expect(204);
          assertEquals("", answer.rest());
          assertEquals(String.join(", ", operation.allowed()), answer.only("Allow"));
          Envelope.headersHold(answer, operation.template().startsWith("/v1"));
        });
  }

  /** A cursor is opaque: only the service can make one. */
  private static Ask example(ContractOperation operation) {
    return operation.good().withoutQuery("cursor");
  }

  private static Stream<DynamicTest> each(Consumer<ContractOperation> check) {
    return ContractOperation.all().stream()
        .map(operation -> dynamicTest(operation.toString(), () -> check.accept(operation)));
  }

  private static void conforms(ContractOperation operation, HttpReply answer) {
    String status = Integer.toString(answer.status());
    Json listed = operation.resolve(operation.responses().at(status));
    assertFalse(listed.isMissing(), () -> status + " is not listed: " + answer);
    // Another test may have deleted the session of the examples: then 404 is correct.
    // The examples are no handshake of a WebSocket.
    boolean expected =
        operation.isUpgrade()
            ? answer.status() == 400
            : answer.status() < 300 || answer.status() == 404;
    assertTrue(expected, answer::toString);
    Json content = listed.at("content");
    if (content.size() == 0) {
      assertEquals("", answer.rest());
      return;
    }
    String medium = answer.only("Content-Type").replaceAll("\\s*;.*", "");
    Json described = content.at(medium);
    assertFalse(described.isMissing(), () -> medium + " is not listed: " + answer);
    if (medium.endsWith("json")) {
      Json components = operation.root().at("components");
      JsonSchema schema = JsonSchema.compile(described.at("schema"), components);
      assertEquals(List.of(), schema.validate(answer.json()), answer::toString);
    }
    for (String name : listed.at("headers").members().keySet()) {
      // Sent only where a limiter has decided, and with a kept reply.
      if (!name.startsWith("RateLimit") && !name.equals("Idempotent-Replayed")) {
        assertFalse(answer.only(name).isEmpty(), name);
      }
    }
  }

  private static Set<String> fieldNames(HttpReply answer) {
    Set<String> names = new TreeSet<>(String.CASE_INSENSITIVE_ORDER);
    names.addAll(answer.headers().keySet());
    // RFC 9110 §9.3.2: framing fields may be omitted in the reply to HEAD.
    names.removeAll(Set.of("Content-Length", "Transfer-Encoding"));
    return names;
  }
}
