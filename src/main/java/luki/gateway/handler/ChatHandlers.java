package luki.gateway.handler;

import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import luki.gateway.config.GatewayFile;
import luki.gateway.consent.AccessWatch;
import luki.gateway.consent.Consent;
import luki.gateway.http.ApiException;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.Response;
import luki.gateway.http.Upstream;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.observe.Lifecycle;
import luki.gateway.observe.Metrics;
import luki.gateway.upstream.Call;
import luki.gateway.upstream.Call.ServicePath;
import luki.gateway.upstream.Upstreams;

/** Chat in one reply and as events. */
public record ChatHandlers(
    Upstreams upstreams,
    Consent consent,
    GatewayFile file,
    Lifecycle lifecycle,
    AccessWatch access,
    Metrics metrics,
    Supplier<String> sessionIds) {
  private static final ServicePath CHAT = ServicePath.of("/v1/chat");
  // What the agent answers when it made no session of its own: the same for all users.
  private static final Set<String> NO_SESSIONS = Set.of("new-session", "demo_session", "");

  /** By the names that the contract uses. */
  public Map<String, Handler> byName() {
    Handler.AsksConsent whole = this::answer;
    return Map.of("chat", whole, "chat-stream", new ChatStreamHandler(this));
  }

  Conversation conversation() {
    return new Conversation(new MemoryCalls(upstreams), consent, file.chatMemoryDeadline());
  }

  /** Answers a message in one reply. */
  private Response answer(Exchange exchange) throws InterruptedException {
    Conversation.Said said = Conversation.Said.inBody(exchange.json());
    Conversation.Prepared prepared = conversation().prepare(exchange, said);
    Call call = Call.post(CHAT, prepared.request());
    Upstreams.Success reply =
        access.during(
            exchange,
            prepared.usesMemories(),
            () -> upstreams.json(Upstream.AGENT, call, prepared.exchange()));
    String text = reply.json().at("response").string();
    if (text == null) {
      throw new ApiException(Upstreams.nonsense(Upstream.AGENT), reply.outcome());
    }
    String sessionId = sessionOf(said, reply.json());
    Json json =
        Json.object()
            .put("text", unwrapped(text))
            .put("tool_calls", Conversation.toolCalls(reply.json().at("metadata")))
            .put("meta", Conversation.meta(exchange, sessionId, prepared.memory()))
            .build();
    return Response.json(200, json).from(reply.outcome());
  }

  private String sessionOf(Conversation.Said said, Json reply) {
    String callers = said.sessionId().string();
    if (callers != null) {
      return callers;
    }
    String agents = reply.at("session_id").string("");
    return NO_SESSIONS.contains(agents) ? sessionIds.get() : agents;
  }

  /** Some answers come as a JSON object in a string; then its final response is the answer. */
  private static String unwrapped(String text) {
    if (!text.startsWith("{")) {
      return text;
    }
    try {
      return Json.parseReply(text).at("final_response").string(text);
    } catch (InvalidJson plainText) {
      return text;
    }
  }
}
