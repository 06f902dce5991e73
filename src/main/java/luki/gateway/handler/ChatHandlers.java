package luki.gateway.handler;

import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import luki.gateway.config.GatewayFile;
import luki.gateway.consent.AccessWatch;
import luki.gateway.consent.Consent;
import luki.gateway.http.ApiError;
import luki.gateway.http.ApiException;
import luki.gateway.http.Body;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.Response;
import luki.gateway.http.Response.Delivery;
import luki.gateway.http.Response.Outcome;
import luki.gateway.http.Upstream;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.observe.Lifecycle;
import luki.gateway.observe.Metrics;
import luki.gateway.upstream.Call;
import luki.gateway.upstream.Call.ServicePath;
import luki.gateway.upstream.Upstreams;
import org.jspecify.annotations.Nullable;

/** Chat in one reply and as events. */
public record ChatHandlers(
    Upstreams upstreams,
    Consent consent,
    GatewayFile file,
    Lifecycle lifecycle,
    AccessWatch access,
    Metrics metrics,
    Supplier<String> sessionIds) {
  private static final ServicePath CHAT = new ServicePath("/v1/chat");
  private static final ServicePath STREAM = CHAT.then("/stream");
  // What the agent answers when it made no session of its own: the same for all users.
  private static final Set<String> NO_SESSIONS = Set.of("new-session", "demo_session", "");

  /** By the names that the contract uses. */
  public Map<String, Handler> byName() {
    return Map.of(
        "chat", (Handler.AsksConsent) this::answer,
        "chat-stream",
            (Handler.AsksConsent & Handler.ForBrowsers & Handler.Posts & Handler.Resumable)
                this::stream);
  }

  Conversation conversation() {
    return new Conversation(new MemoryCalls(upstreams), consent, file.chatMemoryDeadline());
  }

  /** Answers a message in one reply. */
  private Response answer(Exchange exchange) throws InterruptedException {
    Json said = exchange.json();
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
    String agents = reply.json().at("session_id").string("");
    String sessionId = sessionOf(said, NO_SESSIONS.contains(agents) ? null : agents);
    Json.Builder json =
        Json.object()
            .put("text", unwrapped(text))
            .put("tool_calls", Conversation.toolCalls(reply.json().at("metadata")))
            .put("meta", Conversation.meta(exchange, sessionId, prepared.memory()));
    return Response.json(200, json).from(reply.outcome());
  }

  /** The caller's session, else that which the agent has made, else a new one. */
  private String sessionOf(Json said, @Nullable String agents) {
    String callers = said.at("session_id").string();
    return callers != null ? callers : agents != null ? agents : sessionIds.get();
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

  /** Answers a message with events, as the answer comes. */
  private Response stream(Exchange exchange) throws InterruptedException {
    if (exchange.payload() == null && exchange.request().headers().has("Last-Event-ID")) {
      // WHATWG HTML §9.2: an EventSource that reconnects would say it all again; 204 ends it.
      return Response.empty(204);
    }
    Json said = Conversation.said(exchange);
    Conversation.Prepared prepared = conversation().prepare(exchange, said);
    Call call = Call.post(STREAM, prepared.request()).with("Accept", "text/event-stream");
    long called = System.nanoTime();
    AgentEvents events =
        new AgentEvents(
            upstreams.stream(Upstream.AGENT, call, prepared.exchange()), exchange.memory());
    // What was said is not needed any more.
    Exchange rest = exchange.carrying(null);
    AccessWatch.Grant grant = access.begin(rest, prepared.usesMemories(), events.feed::wake);
    Json meta = Conversation.meta(exchange, sessionOf(said, null), prepared.memory());
    ChatEventSource source =
        new ChatEventSource(this, rest, new ChatEventSource.Begun(called, events, meta, grant));
    ApiError failure;
    try {
      failure = source.awaitFirst();
    } catch (RuntimeException | InterruptedException failed) {
      source.close();
      throw failed;
    }
    long nanos = System.nanoTime() - called;
    Outcome outcome = Outcome.upstream(Upstream.AGENT, events.feed.version(), nanos);
    if (failure != null) {
      events.feed.ended(failure.code(), nanos);
      source.close();
      throw new ApiException(failure, outcome);
    }
    return new Response(200, Response.EVENT_STREAM, new Body.Stream(source))
        .onComplete(
            sent -> {
              source.count(sent.end() == Delivery.End.CLIENT_CLOSED);
              events.feed.ended(source.failure(), nanos);
            })
        .from(outcome);
  }
}
