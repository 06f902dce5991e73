package luki.grpc;

import com.google.protobuf.Descriptors;
import io.grpc.HandlerRegistry;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerMethodDefinition;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.grpc.Status;
import io.grpc.protobuf.ProtoFileDescriptorSupplier;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import luki.gateway.http.ApiError;
import luki.gateway.http.ApiException;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Handler;
import luki.gateway.http.Method;
import luki.gateway.http.PathPattern;
import luki.gateway.http.Policy;
import luki.gateway.http.Request;
import luki.gateway.http.Response;
import luki.gateway.http.Response.Delivery;
import luki.gateway.http.Route;
import luki.http1.ByteBudget;
import org.jspecify.annotations.Nullable;

/**
 * The methods that the file lists now, without stubs. Any other one is refused, with a log line and
 * metrics under one label.
 */
final class Methods extends HandlerRegistry {
  private static final Duration AT_ONCE = Duration.ofSeconds(5);
  private static final MethodDescriptor<byte[], byte[]> UNKNOWN =
      Bytes.method(MethodType.UNKNOWN, "unknown/unknown");
  private static final Route.Served UNLISTED =
      new Route.Served(
          new Route.Operation(
              "grpc-unlisted",
              Method.POST,
              PathPattern.parse("/{service}/{method}"),
              null,
              AT_ONCE,
              "application/grpc",
              false,
              _ -> List.of(),
              null),
          Policy.open(false),
          (Handler.Unrouted)
              _ -> {
                throw new ApiException(ApiError.of(ErrorCode.NOT_FOUND));
              });

  private final GrpcGateway gateway;
  private final ServerMethodDefinition<byte[], byte[]> unlisted;
  private volatile Map<String, ServerMethodDefinition<byte[], byte[]>> listed = Map.of();
  private volatile List<ServerServiceDefinition> services = List.of();

  Methods(GrpcGateway gateway) {
    this.gateway = gateway;
    this.unlisted = ServerMethodDefinition.create(UNKNOWN, this::refuse);
  }

  /** The next calls go to the methods among these routes. */
  void use(List<Route.Served> routes) {
    Map<String, ServerMethodDefinition<byte[], byte[]>> methods = new HashMap<>();
    for (Route.Served route : routes) {
      if (route.handler() instanceof Listed each) {
        ServerCallHandler<byte[], byte[]> handler =
            (call, headers) -> {
              Duration limit = GrpcGateway.limitOfCall(each.method().deadline());
              PassThrough passing = new PassThrough(gateway, call, headers, each, limit);
              gateway.run(call, passing::run);
              return passing.listener();
            };
        methods.put(
            each.method().name(),
            ServerMethodDefinition.create(each.method().descriptor(), handler));
      }
    }
    listed = Map.copyOf(methods);
    services = described(routes);
  }

  private static List<ServerServiceDefinition> described(List<Route.Served> routes) {
    Map<String, ServerServiceDefinition> described = new TreeMap<>();
    for (Route.Served route : routes) {
      if (route.handler() instanceof Listed each) {
        Descriptors.ServiceDescriptor service = each.method().service();
        described.computeIfAbsent(service.getFullName(), name -> definition(name, service));
      }
    }
    return List.copyOf(described.values());
  }

  private static ServerServiceDefinition definition(
      String name, Descriptors.ServiceDescriptor service) {
    ProtoFileDescriptorSupplier file = service::getFile;
    ServiceDescriptor descriptor =
        ServiceDescriptor.newBuilder(name).setSchemaDescriptor(file).build();
    return ServerServiceDefinition.builder(descriptor).build();
  }

  @Override
  public ServerMethodDefinition<?, ?> lookupMethod(String name, @Nullable String authority) {
    return listed.getOrDefault(name, unlisted);
  }

  /** For reflection: the services of the listed methods, each with all of its own. */
  @Override
  public List<ServerServiceDefinition> getServices() {
    return services;
  }

  private ServerCall.Listener<byte[]> refuse(ServerCall<byte[], byte[]> call, Metadata headers) {
    gateway.run(
        call,
        () -> {
          try (ByteBudget.Lease memory = gateway.host().memory().lease()) {
            Request request = GrpcGateway.request(call, headers, GrpcGateway.noBody());
            Response response = gateway.dispatcher().dispatch(request, UNLISTED, memory);
            ApiError refusal = response.outcome().refusal();
            ApiError error = refusal == null ? ApiError.of(ErrorCode.NOT_FOUND) : refusal;
            boolean unlisted = error.code() == ErrorCode.NOT_FOUND;
            Metadata trailers = new Metadata();
            Replies.addTo(trailers, response.headers());
            Replies.close(call, error, unlisted ? Status.Code.UNIMPLEMENTED : null, trailers);
            response
                .onComplete()
                .accept(new Delivery(Delivery.End.COMPLETE, response.status(), 0, null));
          }
        });
    return new ServerCall.Listener<>() {};
  }
}
