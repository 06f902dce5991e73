package luki.grpc;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import luki.gateway.consent.AccessWatch;
import luki.gateway.http.ApiError;
import luki.gateway.http.Deadline;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Method;
import luki.gateway.observe.TraceSpan;
import luki.gateway.upstream.CircuitBreaker.CallResult;
import luki.gateway.upstream.ServiceGuard;
import org.jspecify.annotations.Nullable;

/** The call to the service, and what ends it before the service does. */
final class ServiceCall {
  private static final Duration CHECK_INTERVAL = Duration.ofMillis(500);

  private final GrpcGateway gateway;
  private final Listed listed;
  private final Exchange exchange;
  private final CallState state;
  private final IncomingMessages requests;
  private final ServiceReplies replies;
  private final AccessWatch.Grant grant;
  private final TraceSpan span;
  private final ServiceGuard.Admitted place;
  private final long called = System.nanoTime();
  private @Nullable ClientCall<byte[], byte[]> service;

  /** A call that is to be started, and ended. */
  ServiceCall(
      GrpcGateway gateway,
      Listed listed,
      Exchange exchange,
      CallState state,
      IncomingMessages requests,
      ServiceGuard.Admitted place) {
    this.gateway = gateway;
    this.listed = listed;
    this.exchange = exchange;
    this.state = state;
    this.requests = requests;
    this.replies = new ServiceReplies(state, requests);
    this.place = place;
    GrpcMethod method = listed.method();
    this.span = gateway.host().tracing().client(exchange.trace(), method.upstream(), Method.POST);
    this.grant =
        gateway
            .host()
            .access()
            .begin(exchange, method.policy().consent() != null, () -> state.change(() -> {}));
  }

  void start(ManagedChannel channel, Metadata headers) {
    GrpcMethod method = listed.method();
    Metadata outgoing = new Metadata();
    listed.metadata().toService(headers, outgoing);
    gateway.identify(method.upstream(), exchange, span.context(), outgoing);
    CallOptions options =
        CallOptions.DEFAULT.withDeadlineAfter(
            exchange.deadline().left().toNanos(), TimeUnit.NANOSECONDS);
    ClientCall<byte[], byte[]> call = channel.newCall(method.descriptor(), options);
    service = call;
    state.change(
        () -> {
          call.start(replies, outgoing);
          call.request(listed.isSingleReply() ? 2 : 1);
          requests.passOnTo(call);
        });
  }

  Exchange exchange() {
    return exchange;
  }

  ServiceReplies replies() {
    return replies;
  }

  /** Since the call was made. */
  long nanos() {
    return System.nanoTime() - called;
  }

  /** Asks for one message more. */
  void request() {
    ClientCall<byte[], byte[]> call = service;
    if (call != null) {
      call.request(1);
    }
  }

  /** Waits for what decides how the reply begins: the error, or null. */
  @Nullable ApiError awaitBegin() throws InterruptedException {
    boolean single = listed.isSingleReply();
    ApiError mustEnd = awaitUnlessEnded(() -> replies.hasBegun(single));
    if (mustEnd != null) {
      return mustEnd;
    }
    Status end = replies.end();
    if (end == null || state.read(() -> state.cancelled)) {
      return null;
    }
    boolean wrongCount = end.isOk() && single && replies.waiting() != 1;
    return end.isOk() && !wrongCount ? null : errorOf(wrongCount ? Status.INTERNAL : end);
  }

  ApiError errorOf(Status end) {
    return new ApiError.FromUpstream(listed.method().upstream(), Statuses.codeOf(end.getCode()));
  }

  /** Waits for a condition, or for what ends the call before it: the error then, else null. */
  @Nullable ApiError awaitUnlessEnded(BooleanSupplier met) throws InterruptedException {
    while (true) {
      Deadline by = exchange.deadline();
      ApiError because = state.read(() -> state.broken);
      if (because == null) {
        because = grant.revocation();
      }
      if (because == null && gateway.host().lifecycle().streamsMustEnd()) {
        because = ApiError.of(ErrorCode.DRAINING);
      }
      if (because != null || state.read(() -> state.cancelled || met.getAsBoolean())) {
        return because;
      }
      if (by.hasPassed()) {
        return ApiError.unfinished(listed.method().upstream());
      }
      state.await(
          by.sooner(Deadline.after(CHECK_INTERVAL)),
          () -> met.getAsBoolean() || grant.revocation() != null);
    }
  }

  /** The service's own status, where it is the cause of the end. */
  Status.@Nullable Code passedOn() {
    Status end = state.cancelledHere ? null : replies.end();
    return end == null || end.isOk() ? null : Statuses.passed(end.getCode());
  }

  /** What the call showed of the service. */
  private CallResult result() {
    Duration usual = listed.method().deadline();
    // A timeout after less than half of the usual time says nothing about the service.
    boolean late = exchange.deadline().hasPassed() && nanos() >= usual.toNanos() / 2;
    return state.read(
        () -> {
          Status end = state.cancelledHere ? null : replies.end();
          if (end != null && end.getCode() != Status.Code.DEADLINE_EXCEEDED) {
            return Statuses.resultOf(end);
          }
          return late && !state.cancelled ? CallResult.UNREACHABLE : CallResult.IGNORED;
        });
  }

  /** Ends it, if it has not ended, and counts it. */
  void end() {
    try {
      grant.close();
      requests.close();
    } finally {
      place.end(result());
    }
    gateway.called(span, listed.method().upstream(), replies.end(), nanos());
  }
}
