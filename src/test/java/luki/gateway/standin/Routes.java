package luki.gateway.standin;

import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The routes of a service with Starlette's rules: the path is decoded before it is matched, an
 * extra slash is redirected, and other failures are 404 or 405 in FastAPI's form.
 */
final class Routes {
  private final List<ServiceRoute> routes = new ArrayList<>();

  /** The result of a handler: a complete reply, or an event stream. */
  sealed interface ServiceAnswer permits StandInReply, EventStream {}

  /** The body of a 200 event stream in chunked coding, as the agent sends it. */
  @FunctionalInterface
  non-sealed interface EventStream extends ServiceAnswer {
    void writeTo(OutputStream out) throws IOException, InterruptedException;
  }

  /** Ends a handler with an error reply, as FastAPI's own exceptions do. */
  static final class Rejection extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient StandInReply reply;

    Rejection(StandInReply reply) {
      super(reply.body(), null, false, false);
      this.reply = reply;
    }

    StandInReply reply() {
      return reply;
    }
  }

  @FunctionalInterface
  interface RouteHandler {
    ServiceAnswer handle(ServiceCall call);
  }

  private record ServiceRoute(String method, String template, RouteHandler handler) {
    /** The parameters when the decoded path matches. */
    Optional<Map<String, String>> match(String path) {
      String[] wanted = template.split("/", -1);
      String[] given = path.split("/", -1);
      if (wanted.length != given.length) {
        return Optional.empty();
      }
      Map<String, String> params = new HashMap<>();
      for (int i = 0; i < wanted.length; i++) {
        if (wanted[i].startsWith("{")) {
          if (given[i].isEmpty()) {
            return Optional.empty();
          }
          params.put(wanted[i].substring(1, wanted[i].length() - 1), given[i]);
        } else if (!wanted[i].equals(given[i])) {
          return Optional.empty();
        }
      }
      return Optional.of(params);
    }
  }

  Routes get(String template, RouteHandler handler) {
    return add("GET", template, handler);
  }

  Routes post(String template, RouteHandler handler) {
    return add("POST", template, handler);
  }

  Routes delete(String template, RouteHandler handler) {
    return add("DELETE", template, handler);
  }

  Routes add(String method, String template, RouteHandler handler) {
    routes.add(new ServiceRoute(method, template, handler));
    return this;
  }

  ServiceAnswer answer(Seen seen, URI uri) {
    String path = decode(uri.getRawPath().replace("+", "%2B"));
    String allowed = null;
    for (ServiceRoute route : routes) {
      Optional<Map<String, String>> params = route.match(path);
      if (params.isPresent() && route.method().equals(seen.method())) {
        return route.handler().handle(new ServiceCall(seen, params.get(), query(uri)));
      }
      // Like Starlette, only the first route with this path is named.
      allowed = params.isPresent() && allowed == null ? route.method() : allowed;
    }
    if (allowed != null) {
      return methodNotAllowed(allowed);
    }
    return redirect(path, seen, uri).orElseGet(() -> StandInReply.detail(404, "Not Found"));
  }

  private static StandInReply methodNotAllowed(String allowed) {
    Map<String, String> headers = Map.of("Allow", allowed, "Content-Type", "application/json");
    String body = PythonJson.write(PythonJson.object("detail", "Method Not Allowed"));
    return new StandInReply(405, headers, body);
  }

  private Optional<StandInReply> redirect(String path, Seen seen, URI uri) {
    if (path.equals("/")) {
      return Optional.empty();
    }
    boolean cut = path.endsWith("/");
    String other = cut ? path.substring(0, path.length() - 1) : path + "/";
    if (routes.stream().noneMatch(route -> route.match(other).isPresent())) {
      return Optional.empty();
    }
    String raw = uri.getRawPath();
    String target = cut ? raw.substring(0, raw.length() - 1) : raw + "/";
    String query = uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery();
    String location = "http://" + seen.header("host").orElse("") + target + query;
    return Optional.of(new StandInReply(307, Map.of("Location", location), ""));
  }

  private static Map<String, String> query(URI uri) {
    Map<String, String> query = new HashMap<>();
    if (uri.getRawQuery() != null) {
      for (String pair : uri.getRawQuery().split("&", -1)) {
        int equals = pair.indexOf('=');
        String name = decode(equals < 0 ? pair : pair.substring(0, equals));
        query.putIfAbsent(name, equals < 0 ? "" : decode(pair.substring(equals + 1)));
      }
    }
    return query;
  }

  private static String decode(String raw) {
    return URLDecoder.decode(raw, StandardCharsets.UTF_8);
  }
}
