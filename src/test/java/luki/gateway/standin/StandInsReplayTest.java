package luki.gateway.standin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The stand-ins reply as observed on the running services. */
@Timeout(30)
class StandInsReplayTest {
  private static final Path SAMPLES = Path.of("test-fixtures", "downstream-samples");

  @AutoClose
  private final StandIns standIns = StandIns.start(Set.of("memory", "security", "engagement"));

  @Test
  void memoryAnswersAsObserved() throws Exception {
    int replayed = 0;
    for (JsonNode pair : PythonJson.read(Files.readString(SAMPLES.resolve("memory.json")))) {
      // The startup phase is not imitated; an override shows it.
      if (!pair.path("note").asText().startsWith("during the first seconds")) {
        replay("memory", pair);
        replayed++;
      }
    }
    assertTrue(replayed > 20, "replayed " + replayed);
  }

  @Test
  void securityAnswersAsObserved() throws Exception {
    // The observed user had no consent at first; the users of the stand-in do.
    String samples =
        Files.readString(SAMPLES.resolve("security.json")).replace("maria_k", "fresh_user");
    letAConsentExpire();
    int replayed = 0;
    for (JsonNode pair : PythonJson.read(samples)) {
      // The JDK's client sends an h2c offer of its own only; StandInsTest has that case.
      if (pair.path("request").path("headers").path("upgrade").isMissingNode()) {
        standIns.securityFault(pair.path("storage").asText().equals("default"));
        replay("security", pair);
        replayed++;
      }
    }
    assertTrue(replayed > 18, "replayed " + replayed);
  }

  @Test
  void engagementAnswersAsObserved() throws Exception {
    standIns.recommendationsFault(true);
    int replayed = 0;
    for (JsonNode pair : PythonJson.read(Files.readString(SAMPLES.resolve("engagement.json")))) {
      replay("engagement", pair);
      replayed++;
    }
    assertEquals(9, replayed);
  }

  private void letAConsentExpire() {
    String grant =
        """
        {"grants":[{"scope":"elr_memories","purpose":"chat","expires_in_days":-1}]}\
        """;
    new Client(standIns.url("security"), null).post("/consent/old_user", grant).expect(200);
  }

  private void replay(String service, JsonNode pair) throws Exception {
    String note = pair.path("note").asText();
    JsonNode request = pair.path("request");
    JsonNode body = request.path("body");
    String sent = body.isMissingNode() ? null : body.isTextual() ? body.asText() : body.toString();
    HttpReply reply =
        new Client(standIns.url(service), null)
            .send(request.path("method").asText(), request.path("path").asText(), sent);

    JsonNode expected = pair.path("response");
    assertEquals(expected.path("status").asInt(), reply.status(), note);
    if (expected.path("body").isObject()) {
      JsonNode actual = PythonJson.read(reply.body());
      assertEquals(names(expected.path("body")), names(actual), note);
      sameStablePart(note, expected.path("body"), actual);
    } else {
      assertEquals(expected.path("body").asText(), reply.body(), note);
    }
  }

  /** The stable parts: error details except exception texts, ids, counts, switches. */
  private static void sameStablePart(String note, JsonNode expected, JsonNode actual) {
    for (String name :
        Set.of(
            "chunk_ids",
            "success",
            "total_count",
            "deleted_count",
            "user_id",
            "allowed",
            "reason",
            "scopes_checked",
            "settings",
            "content_types",
            "interaction_count")) {
      assertEquals(expected.path(name), actual.path(name), note);
    }
    if (!note.startsWith("bad grant")) {
      assertEquals(expected.path("detail"), actual.path("detail"), note);
    }
    for (int i = 0; i < expected.path("results").size(); i++) {
      JsonNode wanted = expected.path("results").path(i);
      JsonNode found = actual.path("results").path(i);
      assertEquals(names(wanted), names(found), note);
      assertEquals(names(wanted.path("metadata")), names(found.path("metadata")), note);
    }
  }

  private static Set<String> names(JsonNode object) {
    Set<String> names = new TreeSet<>();
    object.fieldNames().forEachRemaining(names::add);
    return names;
  }
}
