package luki.graphql;

import graphql.ExecutionResult;
import graphql.language.OperationDefinition;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import luki.gateway.http.ApiError;
import luki.gateway.http.Body;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.MediaType;
import luki.gateway.http.Response;
import luki.gateway.json.Json;
import luki.graphql.Engine.Asked;
import luki.http1.ByteBudget;
import luki.http1.Fields;
import org.jspecify.annotations.Nullable;

/** {@code POST /graphql}, as GraphQL over HTTP describes it: one request, or a batch of them. */
final class QueryHandler implements Handler {
  static final String MODERN = "application/graphql-response+json";
  private static final String LEGACY = "application/json";

  private final Supplier<Engine> engine;
  private final Gate gate;

  /** What makes the calls of a request. */
  @FunctionalInterface
  interface Gate {
    Calls of(Exchange exchange);
  }

  QueryHandler(Supplier<Engine> engine, Gate gate) {
    this.engine = engine;
    this.gate = gate;
  }

  /** A response of GraphQL, and the status that it has by itself. */
  record Answer(int status, Map<String, ?> response) {}

  @Override
  public Response handle(Exchange exchange) throws IOException, InterruptedException {
    List<String> accept = exchange.request().headers().all("Accept");
    boolean modern = MediaType.accepts(accept, MODERN);
    if (!modern && !MediaType.accepts(accept, LEGACY)) {
      return Response.refused(ApiError.of(ErrorCode.NOT_ACCEPTABLE));
    }
    Json body = exchange.json();
    List<Answer> answers = new ArrayList<>();
    try (Calls calls = gate.of(exchange)) {
      for (Json request : body.isArray() ? body.items() : List.of(body)) {
        answers.add(answer(Asked.of(request), exchange, calls));
      }
      boolean single = !body.isArray();
      int status = modern && single ? answers.getFirst().status : 200;
      List<Map<String, ?>> responses = new ArrayList<>();
      answers.forEach(each -> responses.add(each.response));
      byte[] bytes = JsonValues.bytes(single ? responses.getFirst() : responses, exchange.memory());
      return new Response(
          status,
          Fields.of("Content-Type", (modern ? MODERN : LEGACY) + "; charset=utf-8"),
          Body.of(bytes));
    } catch (ByteBudget.Exhausted full) {
      return Response.refused(ApiError.retrySoon(ErrorCode.OVERLOADED));
    }
  }

  private Answer answer(Asked asked, Exchange exchange, Calls calls) throws InterruptedException {
    Engine current = engine.get();
    try {
      Documents.Parsed parsed = current.checked(asked, exchange.principal());
      if (parsed.operation().getOperation() == OperationDefinition.Operation.SUBSCRIPTION) {
        throw Refusal.invalid("operation", "Subscriptions are served by POST /graphql/stream");
      }
      return answer(
          await(current.execute(asked, parsed, calls, null), exchange), exchange.trace().traceId());
    } catch (Refusal refusal) {
      return new Answer(refusal.status(), refusal.response(exchange.trace().traceId()));
    }
  }

  static Answer answer(@Nullable ExecutionResult result, String traceId) {
    if (result == null) {
      ApiError late = ApiError.of(ErrorCode.DOWNSTREAM_TIMEOUT);
      return new Answer(
          late.status(),
          Map.of(
              "errors",
              List.of(
                  Map.of(
                      "message",
                      late.message(),
                      "extensions",
                      Map.of("code", late.code().name(), "trace_id", traceId)))));
    }
    // Without data nothing was executed, such as with a variable of the wrong type.
    return new Answer(result.isDataPresent() ? 200 : 400, Engine.response(result, traceId));
  }

  /** The result; null where it is not there in time. */
  static @Nullable ExecutionResult await(
      CompletableFuture<ExecutionResult> result, Exchange exchange) throws InterruptedException {
    try {
      return result.get(exchange.deadline().left().toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException late) {
      return null;
    } catch (ExecutionException failed) {
      throw new IllegalStateException(failed.getCause());
    }
  }
}
