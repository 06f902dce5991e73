package luki.grpc;

import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.Status;
import java.io.InputStream;
import java.time.Duration;
import luki.gateway.http.ApiError;
import luki.gateway.http.ApiException;
import luki.gateway.http.Deadline;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.Request;
import luki.gateway.http.Response;
import luki.gateway.http.Response.Delivery;
import luki.gateway.http.Response.Outcome;
import luki.gateway.upstream.CircuitBreaker.CallResult;
import luki.gateway.upstream.ServiceGuard;
import luki.http1.ByteBudget;
import org.jspecify.annotations.Nullable;

/**
 * One call that is passed on to a service as bytes. Its thread sends it through the chain; the
 * handler at the end makes the call to the service and waits for what decides how the reply begins.
 * Then the thread sends what comes, as fast as the client takes it.
 */
final class PassThrough {
  private static final Duration LONGEST_WAIT_FOR_MESSAGE = Duration.ofMinutes(1);

  private final GrpcGateway gateway;
  private final ServerCall<byte[], byte[]> client;
  private final Metadata headers;
  private final Listed listed;
  private final Duration limit;
  private final CallState state = new CallState();
  private final IncomingMessages requests;
  private @Nullable ServiceCall passed;

  /**
   * A call that is to be run.
   *
   * @param limit the client's own deadline
   */
  PassThrough(
      GrpcGateway gateway,
      ServerCall<byte[], byte[]> client,
      Metadata headers,
      Listed listed,
      Duration limit) {
    this.gateway = gateway;
    this.client = client;
    this.headers = headers;
    this.listed = listed;
    this.limit = limit;
    this.requests = new IncomingMessages(client, listed.method(), state);
  }

  /** What the client sends goes there. */
  ServerCall.Listener<byte[]> listener() {
    return requests;
  }

  void run() {
    try (ByteBudget.Lease memory = gateway.host().memory().lease()) {
      Handler.Unrouted handler = this::handle;
      Response response =
          gateway.dispatcher().dispatch(request(), listed.method().route(limit, handler), memory);
      Delivery sent = new Delivery(Delivery.End.ABORTED, response.status(), 0, ErrorCode.INTERNAL);
      try {
        sent = deliver(response);
      } finally {
        ServiceCall call = passed;
        try {
          if (call != null) {
            call.end();
          }
        } finally {
          response.onComplete().accept(sent);
        }
      }
    } finally {
      requests.close();
    }
  }

  private Request request() {
    boolean hasOwner = listed.method().owner() != null;
    InputStream body =
        hasOwner
            ? new OwnerBody(
                listed.method(), () -> requests.awaitUser(Deadline.after(messageLimit())))
            : InputStream.nullInputStream();
    return GrpcGateway.request(client, headers, new Request.Input(body, hasOwner ? -1 : 0));
  }

  private Duration messageLimit() {
    Duration most =
        limit.compareTo(listed.method().deadline()) < 0 ? limit : listed.method().deadline();
    return most.compareTo(LONGEST_WAIT_FOR_MESSAGE) < 0 ? most : LONGEST_WAIT_FOR_MESSAGE;
  }

  /** Behind all filters. */
  private Response handle(Exchange exchange) throws InterruptedException {
    GrpcMethod method = listed.method();
    if (method.owner() == null && method.descriptor().getType().clientSendsOneMessage()) {
      String _ = requests.awaitUser(exchange.deadline().sooner(Deadline.after(messageLimit())));
    }
    ManagedChannel channel = gateway.channels().to(method.upstream());
    if (channel == null) {
      throw new ApiException(
          new ApiError.FromUpstream(method.upstream(), ErrorCode.DOWNSTREAM_NOT_CONFIGURED));
    }
    if (!exchange.memory().tryTake(requests.waitingBytes())) {
      throw new ApiException(ApiError.retrySoon(ErrorCode.OVERLOADED));
    }
    ServiceGuard.Admitted place = listed.guard().admit(exchange, !isUnary(method));
    ServiceCall call = begin(exchange, place);
    passed = call;
    call.start(channel, headers);
    ApiError failure = call.awaitBegin();
    Outcome outcome = Outcome.upstream(method.upstream(), null, call.nanos());
    if (failure != null) {
      throw new ApiException(failure, outcome);
    }
    return Response.empty(200).from(outcome);
  }

  private ServiceCall begin(Exchange exchange, ServiceGuard.Admitted place) {
    try {
      return new ServiceCall(gateway, listed, exchange, state, requests, place);
    } catch (RuntimeException | Error failed) {
      place.end(CallResult.IGNORED);
      throw failed;
    }
  }

  private static boolean isUnary(GrpcMethod method) {
    return method.descriptor().getType() == MethodDescriptor.MethodType.UNARY;
  }

  private boolean isCancelled() {
    return state.read(() -> state.cancelled);
  }

  private Delivery deliver(Response response) {
    if (isCancelled()) {
      return new Delivery(Delivery.End.CLIENT_CLOSED, Delivery.UNANSWERED, 0, null);
    }
    ApiError refusal = response.outcome().refusal();
    Metadata added = new Metadata();
    Replies.addTo(added, response.headers());
    ServiceCall call = passed;
    if (refusal != null || call == null) {
      Replies.close(
          client, refusal == null ? ApiError.of(ErrorCode.INTERNAL) : refusal, passedOn(), added);
      return new Delivery(Delivery.End.COMPLETE, response.status(), 0, null);
    }
    Metadata head = listed.metadata().toClient(call.replies().head());
    head.merge(added);
    client.sendHeaders(head);
    try {
      return pump(call);
    } catch (InterruptedException stopping) {
      Thread.currentThread().interrupt();
      return failed(ApiError.of(ErrorCode.DRAINING), 0);
    }
  }

  private Delivery pump(ServiceCall call) throws InterruptedException {
    long bytes = 0;
    while (true) {
      ApiError mustEnd = call.awaitUnlessEnded(() -> call.replies().hasNext(isReady()));
      if (isCancelled()) {
        return new Delivery(Delivery.End.CLIENT_CLOSED, 200, bytes, null);
      }
      if (mustEnd != null) {
        return failed(mustEnd, bytes);
      }
      byte[] message = state.read(call.replies()::poll);
      if (message == null) {
        return ended(call, bytes);
      }
      if (!call.exchange().memory().tryTake(message.length)) {
        return failed(ApiError.retrySoon(ErrorCode.OVERLOADED), bytes);
      }
      client.sendMessage(message);
      call.exchange().memory().give(message.length);
      bytes += message.length;
      call.request();
    }
  }

  /** A single message needs no room: it is the whole reply. */
  private boolean isReady() {
    return listed.isSingleReply() || client.isReady();
  }

  private Delivery ended(ServiceCall call, long bytes) {
    Status end = call.replies().end();
    if (end == null || !end.isOk()) {
      return failed(call.errorOf(end == null ? Status.INTERNAL : end), bytes);
    }
    client.close(Status.OK, listed.metadata().toClient(call.replies().trailers()));
    return new Delivery(Delivery.End.COMPLETE, 200, bytes, null);
  }

  /** Ends a reply that has begun. */
  private Delivery failed(ApiError error, long bytes) {
    Metadata trailers = new Metadata();
    ServiceCall call = passed;
    if (call != null) {
      trailers.put(Replies.TRACE_ID, call.exchange().trace().traceId());
    }
    Replies.close(client, error, passedOn(), trailers);
    return new Delivery(Delivery.End.COMPLETE, 200, bytes, error.code());
  }

  /** The service's own status, where it is the cause. */
  private Status.@Nullable Code passedOn() {
    ServiceCall call = passed;
    return call == null ? null : call.passedOn();
  }
}
