package luki.graphql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.concurrent.FutureTask;
import luki.gateway.json.Json;
import luki.gateway.standin.Fixture;
import luki.gateway.standin.StandInReply;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A document that was admitted is answered whole, whatever begins meanwhile. */
@Timeout(60)
class AdmittedDocumentsTest {
  private static final String INGESTED =
      """
      {"success": true, "chunks_created": 1, "message": "ok", "chunk_ids": ["maria_k_1"],
       "processing_time_seconds": 0.1, "errors": [], "created_item_ids": ["maria_k_1"]}
      """;
  // The second field is made after the reply of the first.
  private static final String TWO =
      Json.object()
          .put(
              "query",
              """
              mutation {
                a: ingestText(input: {user_id: "maria_k", text: "I like tea"}) { id }
                b: ingestText(input: {user_id: "maria_k", text: "I like milk"}) { id }
              }""")
          .build()
          .toString();

  // Of each field: long enough for a drain to begin within the first.
  private static final Duration SERVICE_TIME = Duration.ofSeconds(2);

  private static void assertBoth(HttpReply reply) {
    Json body = reply.expect(200).json();
    assertTrue(body.at("errors").isMissing(), reply.body());
    assertFalse(body.pointer("/data/b/id").isMissing(), reply.body());
  }

  @Test
  void aDrainThatBeginsRefusesNoneOfItsCalls() throws Exception {
    try (Fixture setting = WithGraphQl.fixture()) {
      setting
          .services()
          .override(
              "memory", "POST", "/ingestion", StandInReply.json(200, INGESTED).after(SERVICE_TIME));
      TestGateway gateway = setting.gateway();
      Client client = gateway.client("elr:write");
      FutureTask<HttpReply> reply = new FutureTask<>(() -> client.post("/graphql", TWO));
      Thread.ofVirtual().start(reply);
      Waiting.until(Duration.ofSeconds(10), () -> !setting.calls("memory").isEmpty());
      Thread drain = Thread.ofVirtual().start(() -> drain(gateway));
      Waiting.until(
          Duration.ofSeconds(10),
          () -> client.post("/graphql", "{\"query\": \"{ __typename }\"}").status() == 503);

      assertBoth(reply.get());
      drain.join();
    }
  }

  @Test
  void aFullGatewayRefusesNoneOfItsCalls() throws Exception {
    try (Fixture setting = WithGraphQl.fixture()) {
      TestGateway gateway = setting.gateway();
      gateway.edit("max_in_flight: 20000", "max_in_flight: 1");
      gateway.reload();
      assertEquals(1.0, gateway.reloads("applied"));
      assertBoth(gateway.client("elr:write").post("/graphql", TWO));
    }
  }

  private static void drain(TestGateway gateway) {
    try {
      gateway.drain();
    } catch (InterruptedException stopped) {
      throw new IllegalStateException(stopped);
    }
  }
}
