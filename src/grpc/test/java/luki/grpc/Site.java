package luki.grpc;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import luki.gateway.standin.StandIns;
import luki.gateway.testing.Processes;
import luki.gateway.testing.TestGateway;

/** A gateway with the door open, the services behind it, and clients of it. */
final class Site implements AutoCloseable {
  static final Metadata.Key<String> API_KEY = text("x-api-key");
  static final Metadata.Key<String> AUTHORIZATION = text("authorization");
  static final Metadata.Key<String> ERROR_CODE = text("x-error-code");
  static final Metadata.Key<String> TRACE_ID = text("x-trace-id");

  final StandIns services;
  final MemoryStandIn memory;
  final TestGateway gateway;
  final int port;
  private final ManagedChannel channel;

  Site(Map<String, String> variables) {
    this(TestGateway.builder().with(variables));
  }

  Site(TestGateway.Builder builder) {
    services = StandIns.start();
    memory = MemoryStandIn.start();
    port = Processes.freePort();
    gateway =
        builder
            .with(services.urls())
            .with("GRPC_PORT", Integer.toString(port))
            .with("GRPC_URLS", "memory=grpc://127.0.0.1:" + memory.port())
            .start();
    channel = channel();
  }

  static Metadata.Key<String> text(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }

  /** A connection of its own, to be closed by the caller. */
  ManagedChannel channel() {
    return NettyChannelBuilder.forAddress("127.0.0.1", port).usePlaintext().build();
  }

  /** A client without a credential. */
  Channel stranger() {
    return channel;
  }

  /** A client with an API key for these users. */
  Channel as(List<String> users, String... scopes) {
    return with(Map.of("x-api-key", gateway.key(users, scopes)));
  }

  /** A client with this metadata. */
  Channel with(Map<String, String> metadata) {
    return with(channel, metadata);
  }

  static Channel with(Channel to, Map<String, String> metadata) {
    Metadata headers = new Metadata();
    metadata.forEach((name, value) -> headers.put(text(name), value));
    return ClientInterceptors.intercept(to, MetadataUtils.newAttachHeadersInterceptor(headers));
  }

  /** For maria_k, with these scopes. */
  Channel maria(String... scopes) {
    return as(List.of("maria_k"), scopes);
  }

  static <Q, R> R call(Channel by, MethodDescriptor<Q, R> method, Q request) {
    return ClientCalls.blockingUnaryCall(
        by, method, CallOptions.DEFAULT.withDeadlineAfter(20, TimeUnit.SECONDS), request);
  }

  /** How a call fails. */
  record Failure(Status.Code status, String code, String traceId, String text, Metadata trailers) {
    static Failure of(StatusRuntimeException failed) {
      Metadata trailers = failed.getTrailers() == null ? new Metadata() : failed.getTrailers();
      return new Failure(
          failed.getStatus().getCode(),
          trailers.get(ERROR_CODE),
          trailers.get(TRACE_ID),
          String.valueOf(failed.getStatus().getDescription()),
          trailers);
    }
  }

  static <Q, R> Failure failure(Channel by, MethodDescriptor<Q, R> method, Q request) {
    try {
      R reply = call(by, method, request);
      throw new AssertionError("answered: " + reply);
    } catch (StatusRuntimeException failed) {
      return Failure.of(failed);
    }
  }

  @Override
  public void close() {
    channel.shutdownNow();
    gateway.close();
    memory.close();
    services.close();
  }
}
