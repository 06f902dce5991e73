package luki.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Collectors;
import luki.gateway.json.Json;
import luki.gateway.testing.Waiting;
import luki.gateway.v1.ChatEvent;
import luki.gateway.v1.ChatReply;
import luki.gateway.v1.ChatRequest;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The typed door to the chat. */
class ChatTest {
  private static final ChatRequest HELLO =
      ChatRequest.newBuilder().setUserId("maria_k").setMessage("hello").build();
  private static final Duration LONGEST = Duration.ofSeconds(20);
  private static Site site;

  @BeforeAll
  static void start() {
    site = new Site(Map.of());
  }

  @AfterAll
  static void stop() {
    site.close();
  }

  private static Json rest(String body) throws Exception {
    return Json.parse(
        site.gateway
            .client("chat:write")
            .post("/v1/chat", body)
            .body()
            .getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void aReplyHasWhatTheOneOverHttpHas() throws Exception {
    ChatReply reply = Site.call(site.maria("chat:write"), ChatService.CHAT, HELLO);
    Json rest = rest("{\"user_id\":\"maria_k\",\"message\":\"hello\"}");
    assertEquals(rest.at("text").string(), reply.getText());
    assertEquals(rest.at("tool_calls").size(), reply.getToolCallsJsonCount());
    assertEquals(rest.at("meta").at("memory").string(), reply.getMeta().getMemory());
    assertEquals(32, reply.getMeta().getTraceId().length());
    assertFalse(reply.getMeta().getSessionId().isEmpty());
  }

  @Test
  void aStreamHasTheTokensAndItsEnd() {
    ChatReply whole = Site.call(site.maria("chat:write"), ChatService.CHAT, HELLO);
    Call<ChatRequest, ChatEvent> call =
        Call.begin(site.maria("chat:write"), ChatService.CHAT_STREAM).send(HELLO).end().ask(1000);
    assertEquals(Status.Code.OK, call.failure().status());
    assertTrue(call.replies.getLast().hasDone());
    String text =
        call.replies.stream()
            .filter(ChatEvent::hasToken)
            .map(ChatEvent::getToken)
            .collect(Collectors.joining());
    assertEquals(whole.getText(), text);
    assertEquals(32, call.replies.getLast().getDone().getMeta().getTraceId().length());
  }

  @Test
  void refusalsAreThoseOfTheOperation() {
    assertEquals("UNAUTHENTICATED", Site.failure(site.stranger(), ChatService.CHAT, HELLO).code());
    assertEquals("FORBIDDEN", Site.failure(site.maria("elr:read"), ChatService.CHAT, HELLO).code());
    ChatRequest ofAnna = HELLO.toBuilder().setUserId("anna").build();
    assertEquals(
        "NOT_OWNER", Site.failure(site.maria("chat:write"), ChatService.CHAT, ofAnna).code());
    ChatRequest empty = HELLO.toBuilder().setMessage("").build();
    Site.Failure invalid = Site.failure(site.maria("chat:write"), ChatService.CHAT, empty);
    assertEquals(Status.Code.INVALID_ARGUMENT, invalid.status());
    assertTrue(invalid.text().contains("/message"), invalid.text());
    ChatRequest context = HELLO.toBuilder().setContextJson("[1]").build();
    assertEquals(
        "INVALID_REQUEST",
        Site.failure(site.maria("chat:write"), ChatService.CHAT, context).code());
    ChatRequest noJson = HELLO.toBuilder().setContextJson("{").build();
    assertEquals(
        "INVALID_REQUEST", Site.failure(site.maria("chat:write"), ChatService.CHAT, noJson).code());
    Call<ChatRequest, ChatEvent> call =
        Call.begin(site.maria("chat:write"), ChatService.CHAT_STREAM).send(ofAnna).end().ask(10);
    assertEquals("NOT_OWNER", call.failure().code());
  }

  @Test
  void aClientThatCancelsIsLoggedAsOne() {
    Call<ChatRequest, ChatEvent> call =
        Call.begin(site.maria("chat:write"), ChatService.CHAT_STREAM).send(HELLO).end().ask(1);
    call.awaitReplies(1);
    call.call.cancel("enough", null);
    Waiting.until(
        LONGEST,
        () ->
            site.gateway.log().stream()
                .filter(line -> line.contains("/v1/chat/stream"))
                .anyMatch(line -> line.contains("client_closed")));
  }
}
