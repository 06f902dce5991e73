package luki.gateway.handler;

import luki.gateway.consent.ConsentWatch;
import luki.gateway.http.ApiException;
import luki.gateway.http.Body;
import luki.gateway.http.Deadline;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.Query;
import luki.gateway.http.Response;
import luki.gateway.http.Response.Delivery;
import luki.gateway.http.Response.Outcome;
import luki.gateway.http.Upstream;
import luki.gateway.json.Json;
import luki.gateway.upstream.Call;
import luki.gateway.upstream.ServicePath;
import org.jspecify.annotations.Nullable;

/** A message and the answer to it as it comes. */
record ChatStreamHandler(ChatHandlers.Parts parts) implements Handler.AsksConsent {
  private static final ServicePath STREAM = ServicePath.of("/v1/chat/stream");

  @Override
  public Response handle(Exchange exchange) throws InterruptedException {
    if (exchange.payload() == null && exchange.request().headers().has("Last-Event-ID")) {
      // WHATWG HTML §9.2: an EventSource that reconnects would say it all again; 204 ends it.
      return Response.empty(204);
    }
    Conversation.Said said = saidIn(exchange);
    Conversation.Prepared prepared = parts.conversation().prepare(exchange, said);
    Call call = Call.post(STREAM, prepared.request()).with("Accept", "text/event-stream");
    long called = System.nanoTime();
    AgentEvents events =
        new AgentEvents(parts.upstreams().stream(Upstream.AGENT, call, prepared.exchange()));
    AgentEvents.Event first;
    try {
      first = first(exchange, events);
    } catch (RuntimeException | InterruptedException failed) {
      events.close();
      throw failed;
    }
    Outcome outcome = Outcome.upstream(Upstream.AGENT, System.nanoTime() - called);
    if (first instanceof AgentEvents.Event.Failed(var error)) {
      events.close();
      throw new ApiException(error, outcome);
    }
    Json meta = Conversation.meta(exchange, sessionOf(said), prepared.memory());
    ConsentWatch.Watch watch =
        prepared.memory() == Conversation.MemoryUse.USED
            ? parts.consentWatch().begin(exchange)
            : null;
    return streaming(exchange, new ChatEventSource.Begun(called, events, first, meta, watch))
        .from(outcome);
  }

  private Response streaming(Exchange exchange, ChatEventSource.Begun begun) {
    ChatEventSource source = new ChatEventSource(parts, exchange, begun);
    return new Response(200, Response.EVENT_STREAM, new Body.Stream(source))
        .onComplete(sent -> source.count(sent.end() == Delivery.End.CLIENT_CLOSED));
  }

  private static Conversation.Said saidIn(Exchange exchange) {
    if (exchange.payload() != null) {
      return Conversation.Said.inBody(exchange.json());
    }
    Query query = exchange.request().query();
    String session = query.only("session_id");
    String message = query.only("message");
    return new Conversation.Said(
        message == null ? "" : message,
        session == null ? Json.MISSING : Json.of(session),
        Json.MISSING,
        Json.MISSING);
  }

  private String sessionOf(Conversation.Said said) {
    String callers = said.sessionId().string();
    return callers == null ? parts.sessionIds().get() : callers;
  }

  /** Waits for what decides the status, but not longer than routers wait for a first byte. */
  private AgentEvents.@Nullable Event first(Exchange exchange, AgentEvents events)
      throws InterruptedException {
    Deadline answerBy =
        new Deadline(exchange.receivedNanos() + parts.limits().answerBy().toNanos());
    Deadline firstEvent = Deadline.after(parts.limits().firstEvent());
    AgentEvents.Event event = events.poll(answerBy.sooner(firstEvent).left());
    return event == null && firstEvent.hasPassed() ? ChatEventSource.TIMED_OUT : event;
  }
}
