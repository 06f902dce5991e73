package luki.gateway.contract;

import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import luki.gateway.http.ApiError;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Handler;
import luki.gateway.http.Method;
import luki.gateway.http.PathPattern;
import luki.gateway.http.PathPattern.Segment;
import luki.gateway.http.Policy;
import luki.gateway.http.Response;
import luki.gateway.http.Route;
import luki.gateway.http.Route.Version;
import luki.gateway.http.Target;
import org.jspecify.annotations.Nullable;

/**
 * Finds the route of a method and a normalised path. There always is one: what the contract does
 * not have is a route that is refused, so that the outer filters see it too.
 */
public final class Router {
  private static final int MAX_TARGET = 8 * 1024;
  private static final Duration AT_ONCE = Duration.ofSeconds(5);
  // RFC 9112 §3.2.4: the target * of OPTIONS is no path.
  private static final PathPattern ASTERISK = new PathPattern("", List.of());

  private final Node root = new Node();
  private final Set<Method> allMethods = EnumSet.of(Method.OPTIONS);
  // Paths without parameters, which most requests name: nothing of them has to be parsed again.
  private final Map<String, Target> literals = new HashMap<>();
  // By the first segment of their paths.
  private final Map<String, Version> unrouted = new HashMap<>();

  public Router(List<Route.Served> routes) {
    for (Route.Served route : routes) {
      if (route.handler() instanceof Handler.Unrouted) {
        continue;
      }
      root.descend(route.operation().path().segments(), 0).add(route);
      allMethods.add(route.method());
      String path = route.operation().path().template();
      Target.parse(path).ifPresent(target -> literals.put(path, target));
      Version version = route.version();
      if (version != null) {
        unrouted.put(path.split("/", 3)[1], version.with(""));
      }
    }
  }

  /** The target as it was sent, parsed and normalised; null where it is not valid. */
  public @Nullable Target target(String raw) {
    Target literal = literals.get(raw);
    return literal == null ? Target.parse(raw).orElse(null) : literal;
  }

  /** A route and the values of its path parameters. */
  public record Match(Route route, Map<String, String> parameters) {
    public Match {
      parameters = Map.copyOf(parameters);
    }
  }

  /**
   * The route of a request line.
   *
   * @param raw the target as it was sent
   * @param target the same, parsed and normalised; null where it is not valid
   */
  public Match match(Method method, String raw, @Nullable Target target) {
    if (raw.length() > MAX_TARGET) {
      return refused(method, raw, null, ApiError.of(ErrorCode.URI_TOO_LONG));
    }
    if (target == null) {
      return refused(method, raw, null, ApiError.invalid("", "path"));
    }
    if (method == Method.OTHER) {
      return refused(method, raw, target, ApiError.of(ErrorCode.NOT_IMPLEMENTED));
    }
    if (target.asterisk()) {
      return method == Method.OPTIONS
          ? new Match(options(ASTERISK, allMethods, false, null), Map.of())
          : refused(method, raw, null, ApiError.invalid("", "path"));
    }
    List<String> values = new ArrayList<>(2);
    Node node = root.find(target.segments(), 0, values);
    return node == null
        ? refused(method, raw, target, ApiError.of(ErrorCode.NOT_FOUND))
        : node.match(method, values);
  }

  /** Of a path that could not be parsed, by its first segment as it was sent. */
  private @Nullable Version versionOf(String raw) {
    int end = raw.indexOf('/', 1);
    return end < 0 ? null : unrouted.get(raw.substring(1, end));
  }

  /** The route of a request that leads to no operation, in the version of its path. */
  public Match refused(Method method, String raw, @Nullable Target target, ApiError error) {
    Version version =
        target == null || target.segments().isEmpty()
            ? versionOf(raw)
            : unrouted.get(target.segments().getFirst());
    return new Match(new Route.Refused(method, null, error, version), Map.of());
  }

  /** What OPTIONS answers for a path: its methods, to anyone. */
  private static Route options(
      PathPattern path, Set<Method> methods, boolean alwaysAdmitted, @Nullable Version version) {
    String allow = String.join(", ", new TreeSet<>(methods.stream().map(Enum::name).toList()));
    return new Route.Served(
        new Route.Operation(
            "options", Method.OPTIONS, path, null, AT_ONCE, "", false, _ -> List.of(), version),
        Policy.open(alwaysAdmitted),
        _ -> Response.empty(204).with("Allow", allow));
  }

  /** HEAD of a stream answers without calling the agent, so it counts as no message. */
  private static Route.Served headOf(Route.Served get) {
    Route.Operation head = get.operation().head();
    return head.isEventStream()
        ? new Route.Served(
            head, get.policy().unmetered(), _ -> Response.empty(200).with(Response.EVENT_STREAM))
        : new Route.Served(head, get.policy(), get.handler());
  }

  /** A step in the tree of paths: a literal takes precedence over a parameter. */
  private static final class Node {
    private final Map<String, Node> literals = new HashMap<>();
    private final Map<Method, Route.Served> routes = new EnumMap<>(Method.class);
    private @Nullable Node parameter;

    void add(Route.Served route) {
      routes.put(route.method(), route);
      if (route.method() == Method.GET) {
        routes.putIfAbsent(Method.HEAD, headOf(route));
      }
    }

    Node descend(List<Segment> segments, int depth) {
      if (depth == segments.size()) {
        return this;
      }
      Node next =
          switch (segments.get(depth)) {
            case Segment.Literal(String text) -> literals.computeIfAbsent(text, _ -> new Node());
            case Segment.Parameter _ -> {
              if (parameter == null) {
                parameter = new Node();
              }
              yield parameter;
            }
          };
      return next.descend(segments, depth + 1);
    }

    @Nullable Node find(List<String> path, int depth, List<String> values) {
      if (depth == path.size()) {
        return routes.isEmpty() ? null : this;
      }
      String segment = path.get(depth);
      Node literal = literals.get(segment);
      Node found = literal == null ? null : literal.find(path, depth + 1, values);
      if (found == null && parameter != null && !segment.isEmpty()) {
        values.add(segment);
        found = parameter.find(path, depth + 1, values);
        if (found == null) {
          values.removeLast();
        }
      }
      return found;
    }

    Match match(Method method, List<String> values) {
      Route.Served route = routes.get(method);
      if (route != null) {
        return new Match(route, named(route.operation().path(), values));
      }
      Route.Served any = routes.values().iterator().next();
      PathPattern path = any.operation().path();
      Set<Method> allowed = EnumSet.copyOf(routes.keySet());
      allowed.add(Method.OPTIONS);
      Route other =
          method == Method.OPTIONS
              ? options(path, allowed, any.policy().alwaysAdmitted(), any.version())
              : new Route.Refused(method, path, new ApiError.WrongMethod(allowed), any.version());
      return new Match(other, Map.of());
    }

    private static Map<String, String> named(PathPattern path, List<String> values) {
      if (values.isEmpty()) {
        return Map.of();
      }
      Map<String, String> named = new HashMap<>();
      int index = 0;
      for (Segment segment : path.segments()) {
        if (segment instanceof Segment.Parameter(String name)) {
          named.put(name, values.get(index++));
        }
      }
      return named;
    }
  }
}
