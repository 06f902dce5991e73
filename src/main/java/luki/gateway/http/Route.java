package luki.gateway.http;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import luki.gateway.json.Json;
import luki.gateway.json.JsonSchema.Violation;
import luki.gateway.json.JsonTemplate;
import luki.http1.Fields;
import org.jspecify.annotations.Nullable;

/**
 * What a request line leads to: an operation of the contract, or an error. Which of the two it is
 * follows from the type alone; no name or path of the contract has a meaning to the filters.
 */
public sealed interface Route {
  Method method();

  /** The template of its path, a safe label; empty where the contract has no such path. */
  String template();

  /** The version that it belongs to where that is to end, else null. */
  @Nullable Version version();

  /** For the whole exchange, from the request's head on. */
  Duration deadline();

  /**
   * An operation, and how it is enforced.
   *
   * @param handler makes the reply once every filter has let the request pass
   */
  record Served(Operation operation, Policy policy, Handler handler) implements Route {
    @Override
    public Method method() {
      return operation.method;
    }

    @Override
    public String template() {
      return operation.path.template();
    }

    @Override
    public Duration deadline() {
      return operation.deadline;
    }

    @Override
    public @Nullable Version version() {
      return operation.version;
    }

    /** The same operation of this version, with these rules. */
    public Served in(@Nullable Version version, Rules rules) {
      return new Served(operation.in(version, rules), policy, handler);
    }

    /** A POST or PUT over HTTP of a known caller whose reply is not a stream. */
    public boolean takesIdempotencyKey() {
      return (operation.method == Method.POST || operation.method == Method.PUT)
          && !operation.isEventStream()
          && !policy.isPublic()
          && !(handler instanceof Handler.Unrouted);
    }

    public Served with(Policy other) {
      return new Served(operation, other, handler);
    }

    public Served with(Handler other) {
      return new Served(operation, policy, other);
    }
  }

  /**
   * A request that is refused for every caller: no such path or method, or not a valid request.
   *
   * @param path null where the contract has no such path
   */
  record Refused(
      Method method, @Nullable PathPattern path, ApiError error, @Nullable Version version)
      implements Route {
    private static final Duration AT_ONCE = Duration.ofSeconds(5);

    @Override
    public String template() {
      return path == null ? "" : path.template();
    }

    @Override
    public Duration deadline() {
      return AT_ONCE;
    }
  }

  /**
   * One operation of the contract, without who may call it.
   *
   * @param id the contract's {@code operationId}, a label for records and messages
   * @param upstream the service behind it; null where the gateway answers or asks several
   * @param deadline for the whole exchange, from the request's head on
   * @param produces the media type of its success
   * @param takesBody a JSON body is required; otherwise there must be none
   * @param version the version that it belongs to where that is to end, else null
   */
  record Operation(
      String id,
      Method method,
      PathPattern path,
      @Nullable Upstream upstream,
      Duration deadline,
      String produces,
      boolean takesBody,
      Rules rules,
      @Nullable Version version) {

    public boolean isEventStream() {
      return produces.equals("text/event-stream");
    }

    private Operation in(@Nullable Version other, Rules others) {
      return new Operation(
          id, method, path, upstream, deadline, produces, takesBody, others, other);
    }

    /** HEAD is GET without the body (RFC 9110 §9.3.2). */
    public Operation head() {
      return new Operation(
          id, Method.HEAD, path, upstream, deadline, produces, takesBody, rules, version);
    }
  }

  /** The contract's schemas, as far as a request must conform to them. */
  @FunctionalInterface
  interface Rules {
    /** What is wrong with the parameters and the body; empty when both are valid. */
    List<Violation> check(Exchange exchange);

    /** What of a request is checked, such as {@code query user_id} and {@code body}. */
    default List<String> checked() {
      return List.of();
    }
  }

  /**
   * A version of the interface that is to end: every path below its prefix.
   *
   * @param name in the access log; lower-case letters and digits
   * @param sunset from then on it answers 410
   * @param headers RFC 9745 {@code Deprecation} and RFC 8594 {@code Sunset}
   * @param pages the part of {@code Link} that names pages about both
   * @param successor the part that names the new path, with its parameters in braces; or empty
   * @param errors the template of its error bodies; missing where they have the current form
   */
  record Version(
      String name, Instant sunset, Fields headers, String pages, String successor, Json errors) {

    public Version with(String link) {
      return new Version(name, sunset, headers, pages, link, errors);
    }

    /**
     * What each of its replies has, an error too.
     *
     * @param pathParameters none for an error, which quotes no value of its request
     */
    public Fields announcement(Map<String, String> pathParameters) {
      String filled = successor;
      for (Map.Entry<String, String> parameter : pathParameters.entrySet()) {
        String value = PercentCoding.encode(parameter.getValue());
        filled = filled.replace("{" + parameter.getKey() + "}", value);
      }
      return headers.with("Link", filled.contains("{") ? pages : filled + pages);
    }

    /** Its error body, for the envelope that the current version has. */
    Json error(Json envelope) {
      return errors.isMissing() ? envelope : JsonTemplate.fill(errors, envelope);
    }
  }
}
