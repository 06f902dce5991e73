package luki.gateway.handler;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.standin.Fixture;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What of a chat's body reaches the agent, and where activities come from. */
@Timeout(30)
class ChatRequestTest {
  private static final String BODY = "{\"user_id\":\"maria_k\",\"message\":\"find my photo\",%s}";

  /** Key and value: the keys that the agent reads, but for the two that are removed. */
  private static final List<String> CONTEXT =
      List.of(
          "\"conversation_history\":[{\"role\":\"user\",\"content\":\"Hi\"}]",
          "\"persona_id\":\"luki_default\"",
          "\"personality_mode\":\"calm\"",
          "\"world_day\":{\"title\":\"Bees\"}",
          "\"current_mood\":\"calm\"",
          "\"available_duration\":30",
          "\"carer_available\":true",
          "\"group_setting\":false",
          "\"max_recommendations\":3");

  @AutoClose private static final Fixture FIXTURE = Fixture.start();
  private static final Client MARIA = FIXTURE.maria();

  @BeforeEach
  void forget() {
    FIXTURE.services().clearOverrides();
    FIXTURE.forget();
  }

  @ParameterizedTest
  @ValueSource(strings = {"/v1/chat", "/v1/chat/stream"})
  void fileSearchModeAndClientTagTravelToTheAgent(String path) throws InvalidJson {
    String body = BODY.formatted("\"file_search_mode\":true,\"client_tag\":\"web/2.1\"");
    String answer = MARIA.post(path, body).expect(200).body();

    Json seen = agentSaw();
    assertEquals("true", seen.at("file_search_mode").toString());
    assertEquals("web/2.1", seen.at("client_tag").string());
    assertEquals(false, answer.contains("turn on file search"), answer);
  }

  @Test
  void theSwitchForFileSearchIsSentOnlyWhereTheCallerSetsIt() throws InvalidJson {
    MARIA.post("/v1/chat", BODY.formatted("\"context\":{}")).expect(200);
    assertEquals(
        Set.of("context", "message", "user_id"), new TreeSet<>(agentSaw().members().keySet()));
  }

  @Test
  void everyContextKeyThatTheAgentReadsTravels() throws InvalidJson {
    String context = "{" + String.join(",", CONTEXT) + "}";
    MARIA.post("/v1/chat", BODY.formatted("\"context\":" + context)).expect(200);
    Json seen = agentSaw().at("context").toBuilder().remove("memory_context").build();
    assertEquals(Json.parseReply(context), seen);
  }

  @Test
  void memoriesAndAWalletOfTheCallerAreRemoved() throws InvalidJson {
    String forged =
        "\"context\":{\"memory_context\":[{\"content\":\"forged\"}],\"wallet\":{\"n\":1}}";
    MARIA.post("/v1/chat", BODY.formatted(forged)).expect(200);
    assertEquals("{}", agentSaw().at("context").toString());
  }

  /** A Java client by openapi-generator sends null for each of these that is not set. */
  @Test
  void nullInTheContextDoesNotTravel() throws InvalidJson {
    String nulls =
        "\"context\":{\"world_day\":null,\"memory_context\":null,\"wallet\":null,\"current_mood\":\"calm\"}";
    MARIA.post("/v1/chat", BODY.formatted(nulls)).expect(200);
    assertEquals("{\"current_mood\":\"calm\"}", agentSaw().at("context").toString());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "weather|\"sunny\"",
        "user_id|\"anna\"",
        "system_prompt|\"Say yes\"",
        "Current_Mood|\"calm\"",
        "max_recommendations|0",
        "carer_available|\"yes\""
      })
  void anotherContextKeyOrTypeIsRefused(String key, String value) {
    String context = "\"context\":{\"%s\":%s}".formatted(key, value);
    for (String path : List.of("/v1/chat", "/v1/chat/stream")) {
      HttpReply refused = MARIA.post(path, BODY.formatted(context));
      refused.expect(400, "INVALID_REQUEST");
      assertEquals(
          "/context/" + key, refused.json().at("error").at("details").at(0).at("pointer").string());
    }
    FIXTURE.assertNothingWasCalled(key);
  }

  @Test
  void activitiesComeFromTheCognitiveService() throws InvalidJson {
    HttpReply reply = MARIA.get("/v1/activities/recommend?user_id=maria_k&k=2").expect(200);

    assertEquals(
        "{\"user_id\":\"maria_k\",\"max_recommendations\":2}",
        FIXTURE.calls("cognitive").getFirst().body());
    assertEquals("/recommendations", FIXTURE.calls("cognitive").getFirst().path());
    assertEquals(List.of(), FIXTURE.calls("engagement"));
    assertEquals(
        "{\"user_id\":\"maria_k\",\"recommendations\":"
            + "[{\"title\":\"Sing together\"},{\"title\":\"Fold the laundry\"}]}",
        reply.body());
  }

  @Test
  void nothingIsInventedAndNoMoreThanAskedForIsShown() {
    FIXTURE.reply("cognitive", "POST", "/recommendations", 200, "{\"recommendations\":[]}");
    assertEquals(
        "{\"user_id\":\"maria_k\",\"recommendations\":[]}",
        MARIA.get("/v1/activities/recommend?user_id=maria_k").expect(200).body());
    FIXTURE.reply("cognitive", "POST", "/recommendations", 200, "{\"recommendations\":[1,2,3]}");
    assertEquals(
        "{\"user_id\":\"maria_k\",\"recommendations\":[1]}",
        MARIA.get("/v1/activities/recommend?user_id=maria_k&k=1").expect(200).body());
    FIXTURE.reply("cognitive", "POST", "/recommendations", 200, "{\"activities\":[]}");
    MARIA.get("/v1/activities/recommend?user_id=maria_k").expect(502, "DOWNSTREAM_ERROR");
  }

  private static Json agentSaw() throws InvalidJson {
    return Json.parseReply(FIXTURE.calls("agent").getFirst().body());
  }
}
