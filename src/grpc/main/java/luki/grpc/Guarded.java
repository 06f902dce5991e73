package luki.grpc;

import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import luki.gateway.http.ApiError;
import luki.gateway.http.Handler;
import luki.gateway.http.Response;
import luki.gateway.http.Response.Delivery;
import luki.gateway.http.Route;
import luki.http1.ByteBudget;
import org.jspecify.annotations.Nullable;

/**
 * A call to a service of the library, which begins once the chain has let it pass. No message is
 * asked for before that.
 */
final class Guarded<Q, R> extends ServerCall.Listener<Q> {
  private final GrpcGateway gateway;
  private final ServerCall<Q, R> call;
  private final Metadata headers;
  private final Route.Served route;
  private final ServerCallHandler<Q, R> handler;
  private final Context context = Context.current();
  private final CallState state = new CallState();
  private ServerCall.@Nullable Listener<Q> allowed;
  private boolean halfClosed;

  Guarded(
      GrpcGateway gateway,
      ServerCall<Q, R> call,
      Metadata headers,
      Route.Served route,
      ServerCallHandler<Q, R> handler) {
    this.gateway = gateway;
    this.call = call;
    this.headers = headers;
    this.route = route;
    this.handler = handler;
  }

  /** The same service, each of whose calls passes the chain on a route. */
  static <Q, R> ServerCallHandler<Q, R> handler(
      GrpcGateway gateway, Route.Served route, ServerCallHandler<Q, R> handler) {
    return (call, headers) -> {
      Guarded<Q, R> guarded = new Guarded<>(gateway, call, headers, route, handler);
      gateway.run(call, guarded::run);
      return guarded;
    };
  }

  private void run() {
    try (ByteBudget.Lease memory = gateway.host().memory().lease()) {
      Response response =
          gateway
              .dispatcher()
              .dispatch(
                  GrpcGateway.request(call, headers, GrpcGateway.noBody()),
                  route.with((Handler.Unrouted) _ -> Response.empty(200)),
                  memory);
      ApiError refusal = response.outcome().refusal();
      if (refusal == null) {
        state.change(this::begin);
      } else {
        Metadata trailers = new Metadata();
        Replies.addTo(trailers, response.headers());
        Replies.close(call, refusal, null, trailers);
      }
      // A drain does not wait for such a call, so it is counted as answered when it begins.
      response.onComplete().accept(new Delivery(Delivery.End.COMPLETE, response.status(), 0, null));
    }
  }

  /** With what has happened meanwhile. */
  private void begin() {
    Context before = context.attach();
    try {
      ServerCall.Listener<Q> to = handler.startCall(call, headers);
      allowed = to;
      if (halfClosed) {
        to.onHalfClose();
      }
      if (state.cancelled) {
        to.onCancel();
      }
    } finally {
      context.detach(before);
    }
  }

  @Override
  public void onMessage(Q message) {
    ServerCall.Listener<Q> to = state.read(() -> allowed);
    if (to != null) {
      to.onMessage(message);
    }
  }

  @Override
  public void onHalfClose() {
    state.change(
        () -> {
          halfClosed = true;
          if (allowed != null) {
            allowed.onHalfClose();
          }
        });
  }

  @Override
  public void onCancel() {
    state.change(
        () -> {
          state.cancelled = true;
          if (allowed != null) {
            allowed.onCancel();
          }
        });
  }

  @Override
  public void onReady() {
    ServerCall.Listener<Q> to = state.read(() -> allowed);
    if (to != null) {
      to.onReady();
    }
  }
}
