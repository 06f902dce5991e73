package luki.grpc;

import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import luki.gateway.config.Settings;
import luki.gateway.door.Door;
import luki.gateway.http.ApiError;
import luki.gateway.http.Dispatcher;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Method;
import luki.gateway.http.Query;
import luki.gateway.http.Request;
import luki.gateway.http.TraceContext;
import luki.gateway.http.Upstream;
import luki.gateway.observe.Diagnostics;
import luki.gateway.observe.Label.UpstreamOutcome;
import luki.gateway.observe.TraceSpan;
import luki.http1.Fields;
import org.jspecify.annotations.Nullable;

/** What the calls of the listener share. */
record GrpcGateway(
    Door.Host host, Dispatcher dispatcher, Channels channels, ExecutorService threads) {
  private static final Diagnostics LOG = new Diagnostics("grpc");
  private static final Fields JSON = Fields.of("Content-Type", "application/json");

  GrpcGateway(Door.Host host, Dispatcher dispatcher, Channels channels) {
    this(
        host,
        dispatcher,
        channels,
        Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("grpc-call").factory()));
  }

  /** Runs a call on a thread of its own; one that fails is closed. */
  void run(ServerCall<?, ?> call, Runnable work) {
    threads.execute(
        () -> {
          try {
            work.run();
          } catch (RuntimeException defect) {
            LOG.error("unhandled exception", Diagnostics.Field.of("cause", defect));
            closeAfter(call);
          }
        });
  }

  private static void closeAfter(ServerCall<?, ?> call) {
    try {
      Replies.close(call, ApiError.of(ErrorCode.INTERNAL), null, new Metadata());
    } catch (IllegalStateException closed) {
      // It was closed before it failed.
    }
  }

  /** The time that the client gives the call whose context this is, or that of the route. */
  static Duration limitOfCall(Duration route) {
    Deadline deadline = Context.current().getDeadline();
    if (deadline == null) {
      return route;
    }
    Duration left = Duration.ofNanos(Math.max(0, deadline.timeRemaining(TimeUnit.NANOSECONDS)));
    return left.compareTo(route) < 0 ? left : route;
  }

  /** A call as the request that passes the chain. */
  static Request request(ServerCall<?, ?> call, Metadata headers, Request.Input body) {
    Fields fields = MetadataRules.fields(headers).with(JSON);
    return new Request(Method.POST, Query.NONE, fields, body, peerOf(call), () -> {});
  }

  static Request.Input noBody() {
    return new Request.Input(InputStream.nullInputStream(), 0);
  }

  private static String peerOf(ServerCall<?, ?> call) {
    SocketAddress peer = call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
    if (!(peer instanceof InetSocketAddress address) || address.getAddress() == null) {
      return "";
    }
    String text = address.getAddress().getHostAddress();
    int zone = text.indexOf('%');
    return zone < 0 ? text : text.substring(0, zone);
  }

  /** Adds who calls, as over HTTP: the gateway's token, its trace and the id of the request. */
  void identify(Upstream who, Exchange exchange, TraceContext trace, Metadata outgoing) {
    MetadataRules.add(host.tokens().authorizationFor(who, exchange), outgoing);
    Fields.Builder fields =
        new Fields.Builder()
            .add("traceparent", trace.traceparent())
            .add("x-request-id", exchange.id().value());
    if (!trace.state().isEmpty()) {
      fields.add("tracestate", trace.state());
    }
    Settings.Secret secret = host.settings().agentSecret();
    if (who == Upstream.AGENT && secret != null) {
      fields.add("x-internal-secret", secret.value());
    }
    MetadataRules.add(fields.build(), outgoing);
  }

  /**
   * A call to a service has ended.
   *
   * @param end null where the gateway ended it
   */
  void called(TraceSpan span, Upstream who, @Nullable Status end, long nanos) {
    UpstreamOutcome outcome = end == null ? UpstreamOutcome.CANCELLED : outcomeOf(end.getCode());
    span.ended(outcome);
    span.end();
    host.metrics().upstreamCall(who, outcome, nanos);
  }

  private static UpstreamOutcome outcomeOf(Status.Code code) {
    if (code == Status.Code.OK) {
      return UpstreamOutcome.OK;
    }
    return switch (Statuses.codeOf(code)) {
      case DOWNSTREAM_UNAVAILABLE -> UpstreamOutcome.UNAVAILABLE;
      case DOWNSTREAM_TIMEOUT -> UpstreamOutcome.TIMEOUT;
      case DOWNSTREAM_ERROR -> UpstreamOutcome.ERROR;
      default -> UpstreamOutcome.REJECTED;
    };
  }

  void stop() throws InterruptedException {
    threads.shutdownNow();
    channels.stop();
  }
}
