package luki.gateway.handler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import luki.gateway.standin.Fixture;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A credential that is revoked or expires, and consent that is withdrawn, while the agent makes an
 * answer: before the first event of a stream, and during a chat in one reply.
 */
@Timeout(60)
class RevokedAccessTest {
  private static final Duration LIMIT = Duration.ofSeconds(5);
  private static final String[] SCOPES = {"chat:write", "elr:write", "elr:read"};

  private final CountDownLatch called = new CountDownLatch(1);
  private final CountDownLatch agentMayAnswer = new CountDownLatch(1);
  private final CompletableFuture<Long> callEnded = new CompletableFuture<>();

  /** An agent that says nothing until its call ends, or the test lets it answer. */
  @AutoClose
  private final Fixture setting =
      Fixture.with(
          "AGENT_URL",
          (connection, _) -> {
            called.countDown();
            while (!connection.peerClosed(Duration.ofMillis(50))) {
              if (agentMayAnswer.getCount() == 0) {
                connection.reply("200 OK", "{\"response\":\"Hello\",\"metadata\":{}}");
                return;
              }
            }
            callEnded.complete(System.nanoTime());
          });

  private String key() {
    return setting.gateway().key(List.of("maria_k"), SCOPES);
  }

  private Client mariaWithAMemory(String key) {
    setting.services().grant("maria_k", "elr_memories");
    Client maria = setting.withKey(key);
    String memory = "{\"user_id\":\"maria_k\",\"text\":\"a garden\"}";
    maria.post("/v1/elr/ingest_text", memory).expect(201);
    return maria;
  }

  private CompletableFuture<HttpReply> chat(Client maria, String path) throws Exception {
    CompletableFuture<HttpReply> answer =
        CompletableFuture.supplyAsync(
            () -> maria.post(path, Fixture.CHAT), Thread::startVirtualThread);
    assertTrue(called.await(10, TimeUnit.SECONDS));
    return answer;
  }

  private void checkRefused(
      CompletableFuture<HttpReply> answer, long since, int status, String code) throws Exception {
    answer.get(20, TimeUnit.SECONDS).expect(status, code);
    Duration took = Duration.ofNanos(callEnded.get(20, TimeUnit.SECONDS) - since);
    assertTrue(took.compareTo(LIMIT) < 0, "took " + took);
    assertEquals("0.0", setting.gateway().metric("luki_gateway_streams"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"/v1/chat", "/v1/chat/stream"})
  void withdrawnConsentEndsTheCallOfAnAnswerWithMemories(String path) throws Exception {
    CompletableFuture<HttpReply> answer = chat(mariaWithAMemory(key()), path);
    long since = System.nanoTime();
    setting.revoke("maria_k", "elr_memories");
    checkRefused(answer, since, 403, "CONSENT_DENIED");
  }

  @ParameterizedTest
  @CsvSource({"/v1/chat,true", "/v1/chat/stream,true", "/v1/chat,false", "/v1/chat/stream,false"})
  void aRevokedKeyEndsTheCall(String path, boolean memories) throws Exception {
    String key = key();
    Client maria = memories ? mariaWithAMemory(key) : setting.withKey(key);
    CompletableFuture<HttpReply> answer = chat(maria, path);
    long since = System.nanoTime();
    // The running gateway reads the file by itself.
    setting.gateway().keys().revoke(key.split("_", -1)[1]);
    checkRefused(answer, since, 401, "UNAUTHENTICATED");
  }

  @ParameterizedTest
  @ValueSource(strings = {"/v1/chat", "/v1/chat/stream"})
  void aKeyThatExpiresEndsTheCall(String path) throws Exception {
    Instant expires = Instant.now().plusSeconds(4);
    Client maria = setting.withKey(setting.gateway().key(List.of("maria_k"), expires, SCOPES));
    CompletableFuture<HttpReply> answer = chat(maria, path);
    checkRefused(answer, System.nanoTime(), 401, "UNAUTHENTICATED");
  }

  @ParameterizedTest
  @CsvSource({
    "/v1/chat,scopes,FORBIDDEN",
    "/v1/chat/stream,scopes,FORBIDDEN",
    "/v1/chat,users,NOT_OWNER",
    "/v1/chat/stream,users,NOT_OWNER"
  })
  void aKeyThatIsNarrowedEndsTheCall(String path, String member, String code) throws Exception {
    String key = key();
    CompletableFuture<HttpReply> answer = chat(setting.withKey(key), path);
    long since = System.nanoTime();
    String left = member.equals("users") ? "anna" : "elr:read";
    setting.gateway().editKey(key, member, left);
    checkRefused(answer, since, 403, code);
  }

  @ParameterizedTest
  @ValueSource(strings = {"/v1/chat", "/v1/chat/stream"})
  void aKeyThatLosesItsRoleEndsTheCall(String path) throws Exception {
    String key = setting.gateway().keyWithRole(List.of("*"), "patient");
    CompletableFuture<HttpReply> answer = chat(setting.withKey(key), path);
    long since = System.nanoTime();
    setting.gateway().editKey(key, "roles", "care_team");
    checkRefused(answer, since, 403, "FORBIDDEN");
  }

  @Test
  void aKeyThatLosesOtherRightsGoesOn() throws Exception {
    String key = setting.gateway().key(List.of("maria_k", "anna"), SCOPES);
    CompletableFuture<HttpReply> answer = chat(setting.withKey(key), "/v1/chat");
    setting.gateway().editKey(key, "users", "maria_k");
    setting.gateway().editKey(key, "scopes", "chat:write");
    // Once another key's answer was ended, this one was checked with the rights of now too.
    String other = key();
    CompletableFuture<HttpReply> ended = chat(setting.withKey(other), "/v1/chat");
    Waiting.until(LIMIT, () -> setting.faultyCalls().size() == 2);
    setting.gateway().keys().revoke(other.split("_", -1)[1]);
    ended.get(20, TimeUnit.SECONDS).expect(401);
    setting.withKey(key).get(Fixture.ITEMS).expect(403, "FORBIDDEN");
    agentMayAnswer.countDown();
    answer.get(20, TimeUnit.SECONDS).expect(200);
  }

  @Test
  void consentThatIsWithdrawnDoesNotEndAnAnswerWithoutMemories() throws Exception {
    Client maria = setting.maria();
    CompletableFuture<HttpReply> answer = chat(maria, "/v1/chat");
    setting.revoke("maria_k", "elr_memories");
    agentMayAnswer.countDown();
    answer.get(20, TimeUnit.SECONDS).expect(200);
  }

  @Test
  void anOutageOfTheConsentServiceEndsNoAnswer() throws Exception {
    CompletableFuture<HttpReply> answer = chat(mariaWithAMemory(key()), "/v1/chat");
    setting.forget();
    setting.services().securityFault(true);
    Waiting.until(
        LIMIT, () -> setting.calls("security").stream().anyMatch(c -> c.path().startsWith("/pol")));
    agentMayAnswer.countDown();
    answer.get(20, TimeUnit.SECONDS).expect(200);
  }

  @Test
  void theAnswersOfOneUserShareOneQuestion() throws Exception {
    Client maria = mariaWithAMemory(key());
    List<CompletableFuture<HttpReply>> answers =
        List.of(chat(maria, "/v1/chat"), chat(maria, "/v1/chat"), chat(maria, "/v1/chat/stream"));
    Waiting.until(LIMIT, () -> setting.faultyCalls().size() == 3);
    setting.forget();
    setting.revoke("maria_k", "elr_memories");
    for (CompletableFuture<HttpReply> answer : answers) {
      answer.get(20, TimeUnit.SECONDS).expect(403, "CONSENT_DENIED");
    }
    long asked =
        setting.calls("security").stream().filter(c -> c.path().startsWith("/pol")).count();
    // The three answers may have begun at both sides of a question.
    assertTrue(asked <= 2, "asked " + asked + " times");
  }
}
