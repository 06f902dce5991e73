package luki.gateway.contract;

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
import luki.gateway.http.Limits;
import luki.gateway.http.Method;
import luki.gateway.http.PathPattern;
import luki.gateway.http.PathPattern.Segment;
import luki.gateway.http.Response;
import luki.gateway.http.Route;
import luki.gateway.http.Target;
import org.jspecify.annotations.Nullable;

/**
 * Finds the route of a method and a normalised path. There always is one: what the contract does
 * not have is a route that refuses, so that every filter sees it too.
 */
public final class Router {
  private static final int MAX_TARGET = 8 * 1024;

  private final Node root = new Node();
  private final Set<Method> allMethods = EnumSet.of(Method.OPTIONS);

  public Router(Contract contract) {
    for (Route route : contract.routes()) {
      PathPattern path = route.path();
      if (path != null) {
        Node end = root.descend(path.segments(), 0);
        end.routes.put(route.method(), route);
        allMethods.add(route.method());
      }
    }
  }

  /** A route and the values of its path parameters. */
  public record Match(Route route, Map<String, String> parameters) {
    public Match {
      parameters = Map.copyOf(parameters);
    }
  }

  /** Why a request line is not even routed; null when it is. */
  public static @Nullable ApiError refusalOf(Method method, String raw, @Nullable Target target) {
    if (raw.length() > MAX_TARGET) {
      return ApiError.of(ErrorCode.URI_TOO_LONG);
    }
    if (target == null) {
      return ApiError.invalid("", "path");
    }
    return method == Method.OTHER ? ApiError.of(ErrorCode.NOT_IMPLEMENTED) : null;
  }

  public Match match(Method method, Target target) {
    if (target.asterisk()) {
      return new Match(
          method == Method.OPTIONS
              ? Route.fixed("options", method, null, allowing(allMethods))
              : Route.refusing(method, null, ApiError.invalid("", "path")),
          Map.of());
    }
    List<String> values = new ArrayList<>(2);
    Node node = root.find(target.segments(), 0, values);
    if (node == null) {
      return new Match(Route.refusing(method, null, ApiError.of(ErrorCode.NOT_FOUND)), Map.of());
    }
    return node.match(method, values);
  }

  private static Handler allowing(Set<Method> methods) {
    String allow = String.join(", ", new TreeSet<>(methods.stream().map(Enum::name).toList()));
    return exchange -> Response.empty(204).with("Allow", allow);
  }

  /** HEAD is GET without the body (RFC 9110 §9.3.2); a stream's agent is not called for it. */
  private static Route headOf(Route get) {
    return get.isEventStream()
        ? get.answeredBy(
            Method.HEAD,
            exchange -> Response.empty(200).with(Response.EVENT_STREAM),
            // Nobody says anything to it, so it is no message.
            new Limits(get.limits().cost(), Set.of()))
        : get.answeredBy(Method.HEAD, get.handler());
  }

  /** A step in the tree of paths: literals win over a parameter. */
  private static final class Node {
    private final Map<String, Node> literals = new HashMap<>();
    private final Map<Method, Route> routes = new EnumMap<>(Method.class);
    private @Nullable Node parameter;

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
      Route route = routes.get(method);
      Route get = routes.get(Method.GET);
      if (route == null && method == Method.HEAD && get != null) {
        route = headOf(get);
      }
      if (route != null) {
        return new Match(route, named(route, values));
      }
      PathPattern path = routes.values().iterator().next().path();
      Set<Method> allowed = EnumSet.copyOf(routes.keySet());
      allowed.add(Method.OPTIONS);
      if (get != null) {
        allowed.add(Method.HEAD);
      }
      return new Match(
          method == Method.OPTIONS
              ? Route.fixed("options", method, path, allowing(allowed))
              : Route.refusing(method, path, new ApiError.WrongMethod(allowed)),
          Map.of());
    }

    private static Map<String, String> named(Route route, List<String> values) {
      if (values.isEmpty() || route.path() == null) {
        return Map.of();
      }
      Map<String, String> named = new HashMap<>();
      int index = 0;
      for (Segment segment : route.path().segments()) {
        if (segment instanceof Segment.Parameter(String name)) {
          named.put(name, values.get(index++));
        }
      }
      return named;
    }
  }
}
