package luki.grpc;

import com.google.protobuf.Descriptors.ServiceDescriptor;
import io.grpc.MethodDescriptor;
import java.time.Duration;
import java.util.List;
import luki.gateway.http.ApiError;
import luki.gateway.http.Handler;
import luki.gateway.http.Method;
import luki.gateway.http.PathPattern;
import luki.gateway.http.Policy;
import luki.gateway.http.Route;
import luki.gateway.http.Upstream;
import luki.gateway.json.Json;
import org.jspecify.annotations.Nullable;

/**
 * A method that the file lists, and how it is enforced.
 *
 * @param service which it belongs to, as its descriptor set has it
 * @param owner null where a request names no user; its callers may act for every user
 */
record GrpcMethod(
    MethodDescriptor<byte[], byte[]> descriptor,
    ServiceDescriptor service,
    Upstream upstream,
    Policy policy,
    @Nullable OwnerReader owner,
    Duration deadline) {
  String name() {
    return descriptor.getFullMethodName();
  }

  /**
   * The route of a call, for the same steps as any other. Its body is only the user of the first
   * message, as JSON; schemas are the service's own.
   *
   * @param limit the client's own deadline, if it is shorter
   */
  Route.Served route(Duration limit, Handler handler) {
    return new Route.Served(operation(limit), policy, handler);
  }

  private Route.Operation operation(Duration limit) {
    return new Route.Operation(
        name(),
        Method.POST,
        PathPattern.parse("/" + name()),
        upstream,
        limit.compareTo(deadline) < 0 ? limit : deadline,
        "application/grpc",
        owner != null,
        _ -> List.of(),
        null);
  }

  /** The path of the field with the user, which is the name of the only member of the body. */
  private String ownerPath() {
    return policy.owner() instanceof Policy.Owner.InBody(String path) ? path : "";
  }

  /** What the chain reads as the body. */
  byte[] body(@Nullable String user) {
    Json.Builder body = Json.object();
    return (user == null ? body : body.put(ownerPath(), user)).build().bytes();
  }

  /** A message whose user breaks a rule. */
  ApiError invalidOwner(String rule) {
    return ApiError.invalid("/" + ownerPath(), rule);
  }
}
