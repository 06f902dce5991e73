package luki.gateway.http;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One operation of the contract as the gateway enforces it.
 *
 * @param path null for what the contract does not have: an unknown path is a route too, whose
 *     handler refuses
 * @param deadline for the whole of it, from the request's head on
 * @param produces the media type of its success
 * @param limits what a call takes from its caller
 * @param takesBody a JSON body is required; otherwise there must be none
 */
public record Route(
    String operationId,
    Method method,
    @Nullable PathPattern path,
    Access access,
    Owner owner,
    @Nullable ConsentRule consent,
    @Nullable Upstream upstream,
    Duration deadline,
    Limits limits,
    String produces,
    boolean takesBody,
    Rules rules,
    Handler handler) {
  private static final String REFUSED = "refused";
  private static final Duration AT_ONCE = Duration.ofSeconds(5);

  /** A route for a request that the contract does not know: public, and its answer is the error. */
  public static Route refusing(Method method, @Nullable PathPattern path, ApiError error) {
    return fixed(REFUSED, method, path, exchange -> Response.refused(error));
  }

  /** The contract has no such operation; the answer is an error, whoever asks. */
  public boolean refuses() {
    return operationId.equals(REFUSED);
  }

  /** A public route that the gateway adds to the contract, such as OPTIONS. */
  public static Route fixed(
      String operationId, Method method, @Nullable PathPattern path, Handler handler) {
    return new Route(
        operationId,
        method,
        path,
        new Access.Public(),
        new Owner.Nobody(),
        null,
        null,
        AT_ONCE,
        Limits.FREE,
        "application/json",
        false,
        exchange -> List.of(),
        handler);
  }

  /** The template, a safe label; empty where the contract has no such path. */
  public String template() {
    return path == null ? "" : path.template();
  }

  public boolean isEventStream() {
    return produces.equals("text/event-stream");
  }

  /** The same for everybody. */
  public Route opened() {
    return new Route(
        operationId,
        method,
        path,
        new Access.Public(),
        new Owner.Nobody(),
        consent,
        upstream,
        deadline,
        limits,
        produces,
        takesBody,
        rules,
        handler);
  }

  public Route answeredBy(Method asked, Handler other) {
    return answeredBy(asked, other, limits);
  }

  public Route answeredBy(Method asked, Handler other, Limits taking) {
    return new Route(
        operationId,
        asked,
        path,
        access,
        owner,
        consent,
        upstream,
        deadline,
        taking,
        produces,
        takesBody,
        rules,
        other);
  }

  /** The contract's schemas, as far as a request must meet them. */
  @FunctionalInterface
  public interface Rules {
    /** What is wrong with the parameters and the body; empty when nothing is. */
    List<ApiError.Detail> check(Exchange exchange);
  }
}
