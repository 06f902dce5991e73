package luki.graphql;

import graphql.ExecutionResult;
import graphql.language.OperationDefinition;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.function.Supplier;
import luki.gateway.http.ApiError;
import luki.gateway.http.Body;
import luki.gateway.http.Dispatcher;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.Response;
import luki.gateway.json.Json;
import luki.graphql.Engine.Asked;
import luki.graphql.Engine.Opened;
import luki.http1.ByteBudget;
import luki.http1.Fields;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;

/** {@code POST /graphql/stream}: the results as events. */
final class StreamHandler implements Handler {
  private final Supplier<Engine> engine;
  private final Supplier<Dispatcher> gateway;
  private final ByteBudget memory;

  StreamHandler(Supplier<Engine> engine, Supplier<Dispatcher> gateway, ByteBudget memory) {
    this.engine = engine;
    this.gateway = gateway;
    this.memory = memory;
  }

  @Override
  public Response handle(Exchange exchange) throws IOException, InterruptedException {
    Json body = exchange.json();
    if (body.isArray()) {
      return Response.refused(ApiError.invalid("", "type"));
    }
    Asked asked = Asked.of(body);
    String traceId = exchange.trace().traceId();
    try (Calls calls = new Calls(gateway.get(), exchange, memory)) {
      Engine current = engine.get();
      Documents.Parsed parsed = current.checked(asked, exchange.principal());
      if (parsed.operation().getOperation() == OperationDefinition.Operation.SUBSCRIPTION) {
        return subscribed(current, asked, parsed, calls, exchange);
      }
      return events(
          QueryHandler.answer(
              QueryHandler.await(current.execute(asked, parsed, calls, null), exchange), traceId),
          exchange);
    } catch (ByteBudget.Exhausted full) {
      return Response.refused(ApiError.retrySoon(ErrorCode.OVERLOADED));
    } catch (Refusal refusal) {
      return new Response(
          refusal.status(),
          Fields.of("Content-Type", QueryHandler.MODERN + "; charset=utf-8"),
          Body.of(JsonValues.text(refusal.response(traceId)).getBytes(StandardCharsets.UTF_8)));
    }
  }

  /** The only result, and the end. */
  private static Response events(QueryHandler.Answer answer, Exchange exchange) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.writeBytes(EventSource.next(answer.response(), exchange.memory()));
    bytes.writeBytes(EventSource.COMPLETE);
    exchange.memory().take(2L * bytes.size());
    return new Response(200, Response.EVENT_STREAM, Body.of(bytes.toByteArray()));
  }

  private Response subscribed(
      Engine current, Asked asked, Documents.Parsed parsed, Calls calls, Exchange exchange)
      throws IOException, InterruptedException {
    Chat chat = new Chat(gateway.get(), exchange, memory);
    String traceId = exchange.trace().traceId();
    try {
      ExecutionResult result =
          QueryHandler.await(current.execute(asked, parsed, calls, chat::open), exchange);
      EventSource events = chat.events;
      Publisher<ExecutionResult> results = result == null ? null : result.getData();
      if (events == null || results == null) {
        chat.close();
        return events(QueryHandler.answer(result, traceId), exchange);
      }
      events.results(results);
      return new Response(200, Response.EVENT_STREAM, new Body.Stream(events));
    } catch (RuntimeException | IOException | InterruptedException failed) {
      chat.close();
      throw failed;
    }
  }

  /** The call of one subscription. */
  private static final class Chat {
    private final Dispatcher gateway;
    private final Exchange exchange;
    private final ByteBudget memory;
    private @Nullable EventSource events;

    private Chat(Dispatcher gateway, Exchange exchange, ByteBudget memory) {
      this.gateway = gateway;
      this.exchange = exchange;
      this.memory = memory;
    }

    /** Makes the call; its stream is closed with that of the client. */
    private Opened open(Operation.Call call) {
      ByteBudget.Lease lease = memory.lease();
      // This thread is already interrupted when the client leaves.
      Response response =
          gateway.dispatch(
              Calls.request(exchange, call, "text/event-stream", () -> {}), call.target(), lease);
      String traceId = exchange.trace().traceId();
      if (response.body() instanceof Body.Stream stream) {
        EventSource opened = new EventSource(response, stream, traceId, lease);
        events = opened;
        return new Opened.Events(opened);
      }
      try (lease) {
        return new Opened.Refused(Calls.read(response, traceId));
      }
    }

    private void close() {
      if (events != null) {
        events.close();
      }
    }
  }
}
