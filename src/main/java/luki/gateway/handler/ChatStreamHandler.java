package luki.gateway.handler;

import luki.gateway.consent.AccessWatch;
import luki.gateway.http.ApiError;
import luki.gateway.http.ApiException;
import luki.gateway.http.Body;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.Response;
import luki.gateway.http.Response.Delivery;
import luki.gateway.http.Response.Outcome;
import luki.gateway.http.Upstream;
import luki.gateway.json.Json;
import luki.gateway.upstream.Call;
import luki.gateway.upstream.Call.ServicePath;

/** A message and the answer to it as it comes. */
record ChatStreamHandler(ChatHandlers chat)
    implements Handler.AsksConsent, Handler.ForBrowsers, Handler.Resumable {
  private static final ServicePath STREAM = ServicePath.of("/v1/chat/stream");

  @Override
  public Response handle(Exchange exchange) throws InterruptedException {
    if (exchange.payload() == null && exchange.request().headers().has("Last-Event-ID")) {
      // WHATWG HTML §9.2: an EventSource that reconnects would say it all again; 204 ends it.
      return Response.empty(204);
    }
    Conversation.Said said =
        exchange.payload() == null
            ? Conversation.Said.inQuery(exchange.request().query())
            : Conversation.Said.inBody(exchange.json());
    Conversation.Prepared prepared = chat.conversation().prepare(exchange, said);
    Call call = Call.post(STREAM, prepared.request()).with("Accept", "text/event-stream");
    long called = System.nanoTime();
    AgentEvents events =
        new AgentEvents(
            chat.upstreams().stream(Upstream.AGENT, call, prepared.exchange()), exchange.memory());
    // What was said is not needed any more.
    Exchange rest = exchange.carrying(null);
    AccessWatch.Grant grant =
        chat.access().begin(rest, prepared.usesMemories(), events.feed()::wake);
    Json meta = Conversation.meta(exchange, sessionOf(said), prepared.memory());
    ChatEventSource source =
        new ChatEventSource(chat, rest, new ChatEventSource.Begun(called, events, meta, grant));
    ApiError failure;
    try {
      failure = source.awaitFirst();
    } catch (RuntimeException | InterruptedException failed) {
      source.close();
      throw failed;
    }
    long nanos = System.nanoTime() - called;
    Outcome outcome = Outcome.upstream(Upstream.AGENT, events.feed().version(), nanos);
    if (failure != null) {
      events.feed().ended(failure.code(), nanos);
      source.close();
      throw new ApiException(failure, outcome);
    }
    return new Response(200, Response.EVENT_STREAM, new Body.Stream(source))
        .onComplete(
            sent -> {
              source.count(sent.end() == Delivery.End.CLIENT_CLOSED);
              events.feed().ended(source.failure(), nanos);
            })
        .from(outcome);
  }

  private String sessionOf(Conversation.Said said) {
    String callers = said.sessionId().string();
    return callers == null ? chat.sessionIds().get() : callers;
  }
}
