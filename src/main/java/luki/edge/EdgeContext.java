package luki.edge;

import com.sun.net.httpserver.Authenticator;
import com.sun.net.httpserver.Filter;
import com.sun.net.httpserver.HttpContext;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** A path prefix with its filters and its handler. */
final class EdgeContext extends HttpContext {
  private final HttpServer server;
  private final String path;
  private final Map<String, Object> attributes = new ConcurrentHashMap<>();
  private final List<Filter> filters = new CopyOnWriteArrayList<>();
  private volatile @Nullable HttpHandler handler;

  EdgeContext(HttpServer server, String path) {
    if (!path.startsWith("/")) {
      throw new IllegalArgumentException("a context's path begins with a slash");
    }
    this.server = server;
    this.path = path;
  }

  void handle(HttpExchange exchange) throws IOException {
    HttpHandler current = handler;
    if (current == null) {
      exchange.sendResponseHeaders(404, -1);
    } else if (filters.isEmpty()) {
      current.handle(exchange);
    } else {
      new Filter.Chain(filters, current).doFilter(exchange);
    }
  }

  @Override
  public @Nullable HttpHandler getHandler() {
    return handler;
  }

  @Override
  public void setHandler(HttpHandler newHandler) {
    if (handler != null) {
      throw new IllegalArgumentException("the handler is set already");
    }
    handler = newHandler;
  }

  @Override
  public String getPath() {
    return path;
  }

  @Override
  public HttpServer getServer() {
    return server;
  }

  @Override
  public Map<String, Object> getAttributes() {
    return attributes;
  }

  @Override
  public List<Filter> getFilters() {
    return filters;
  }

  /**
   * Not offered.
   *
   * @throws UnsupportedOperationException for any but null
   */
  @Override
  public @Nullable Authenticator setAuthenticator(@Nullable Authenticator authenticator) {
    if (authenticator != null) {
      throw new UnsupportedOperationException("authenticators: use a filter");
    }
    return null;
  }

  @Override
  public @Nullable Authenticator getAuthenticator() {
    return null;
  }
}
