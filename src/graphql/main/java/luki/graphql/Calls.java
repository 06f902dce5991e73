package luki.graphql;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import luki.gateway.http.ApiError;
import luki.gateway.http.Body;
import luki.gateway.http.Dispatcher;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.ErrorReply;
import luki.gateway.http.Exchange;
import luki.gateway.http.Query;
import luki.gateway.http.Request;
import luki.gateway.http.Response;
import luki.gateway.http.Response.Delivery;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.graphql.Operation.Call;
import luki.http1.ByteBudget;
import luki.http1.Fields;
import org.jspecify.annotations.Nullable;

/**
 * The calls that one GraphQL request makes. Each is a request of the same caller, in the same
 * trace, and passes every filter; since its document was admitted, neither a drain nor an overload
 * that begins meanwhile refuses it.
 */
final class Calls implements AutoCloseable {
  private final Dispatcher gateway;
  private final Exchange exchange;
  private final ByteBudget memory;
  private final List<ByteBudget.Lease> done = new ArrayList<>();
  private final Set<Thread> interruptible = new HashSet<>();
  private boolean closed;

  Calls(Dispatcher gateway, Exchange exchange, ByteBudget memory) {
    this.gateway = gateway;
    this.exchange = exchange;
    this.memory = memory;
  }

  /**
   * A reply.
   *
   * @param json its body; missing where it has none
   * @param retryAfter seconds; null where that is not known
   */
  record Reply(int status, Json json, @Nullable String retryAfter) {
    boolean isSuccess() {
      return status >= 200 && status < 300;
    }
  }

  String traceId() {
    return exchange.trace().traceId();
  }

  /** Makes the calls at the same time. */
  CompletionStage<List<Reply>> all(List<Call> calls) {
    List<CompletableFuture<Reply>> replies =
        calls.stream().map(call -> later(() -> send(call))).toList();
    return CompletableFuture.allOf(replies.toArray(CompletableFuture[]::new))
        .thenApply(_ -> replies.stream().map(CompletableFuture::join).toList());
  }

  /** Makes one call on a thread of its own. */
  CompletableFuture<Reply> one(Call call) {
    return later(() -> send(call));
  }

  private <T> CompletableFuture<T> later(Supplier<T> work) {
    return CompletableFuture.supplyAsync(
        work, task -> Thread.ofVirtual().name("graphql-call").start(task));
  }

  private Reply send(Call call) {
    ByteBudget.Lease lease = lease();
    if (lease == null) {
      return refused(ApiError.of(ErrorCode.DRAINING), traceId());
    }
    try {
      Response response =
          gateway.dispatch(
              request(exchange, call, "application/json", this::mayBeInterrupted),
              call.target(),
              lease);
      return read(response, traceId());
    } finally {
      release(lease);
    }
  }

  /** A reply that is no stream, as delivered. */
  static Reply read(Response response, String traceId) {
    Reply reply;
    try {
      reply =
          switch (response.body()) {
            case Body.Empty _ ->
                new Reply(response.status(), Json.MISSING, response.headers().first("Retry-After"));
            case Body.Bytes whole ->
                new Reply(
                    response.status(),
                    Json.parseReply(whole.bytes()),
                    response.headers().first("Retry-After"));
            case Body.Stream _, Body.Upgraded _ ->
                throw new IllegalStateException("a stream is no field of a query");
          };
    } catch (InvalidJson impossible) {
      reply = refused(ApiError.of(ErrorCode.INTERNAL), traceId);
    }
    response
        .onComplete()
        .accept(
            new Delivery(
                Delivery.End.COMPLETE,
                response.status(),
                response.body() instanceof Body.Bytes whole ? whole.bytes().length : 0,
                null));
    return reply;
  }

  private static Reply refused(ApiError error, String traceId) {
    return new Reply(error.status(), ErrorReply.envelope(error, traceId), null);
  }

  /** A request of the same caller, in the same trace. */
  static Request request(Exchange exchange, Call call, String accept, Runnable onBodyRead) {
    byte[] body = call.bytes();
    Fields.Builder own =
        new Fields.Builder()
            .add("traceparent", exchange.trace().traceparent())
            .add("X-Request-Id", exchange.id().value())
            .add("Accept", accept);
    if (body.length > 0) {
      own.add("Content-Type", "application/json");
    }
    Query query = Query.parse(queryOf(call.target()));
    return exchange
        .request()
        .forSameCaller(call.method(), query, own.build(), body, onBodyRead)
        .asPart();
  }

  private static String queryOf(String target) {
    int mark = target.indexOf('?');
    return mark < 0 ? "" : target.substring(mark + 1);
  }

  /** As with a client over HTTP: calls that belong together are never interrupted. */
  private synchronized void mayBeInterrupted() {
    interruptible.add(Thread.currentThread());
    if (closed) {
      Thread.currentThread().interrupt();
    }
  }

  /** Null once the request has ended. */
  private synchronized ByteBudget.@Nullable Lease lease() {
    return closed ? null : memory.lease();
  }

  /** What a reply takes counts until the whole answer was made. */
  private synchronized void release(ByteBudget.Lease lease) {
    interruptible.remove(Thread.currentThread());
    if (closed) {
      lease.close();
    } else {
      done.add(lease);
    }
  }

  /** Ends the calls that may be ended; the others go on and are not waited for. */
  @Override
  public synchronized void close() {
    closed = true;
    done.forEach(ByteBudget.Lease::close);
    interruptible.forEach(Thread::interrupt);
  }
}
