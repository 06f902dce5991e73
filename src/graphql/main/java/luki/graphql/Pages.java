package luki.graphql;

import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import luki.gateway.http.ApiError;
import luki.gateway.http.ClassPath;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Response;
import luki.http1.Fields;
import org.jspecify.annotations.Nullable;

/** GraphiQL, for development: all of its files come from this jar's libraries. */
final class Pages {
  // GraphiQL's editor writes its styles into the page.
  private static final String POLICY =
      "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
          + " img-src 'self' data:; font-src 'self' data:; connect-src 'self';"
          + " base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
  private static final String LIBRARY = "/META-INF/resources/graphql-ui/";

  /** Name to resource: nothing else can be asked for. */
  private static final Map<String, String> ASSETS =
      Map.of(
          "page.js", "page.js",
          "page.css", "page.css",
          "graphiql.min.js", LIBRARY + "graphiql.min.js",
          "graphiql.min.css", LIBRARY + "graphiql.min.css",
          "react.production.min.js", LIBRARY + "react.production.min.js",
          "react-dom.production.min.js", LIBRARY + "react-dom.production.min.js");

  private Pages() {}

  static Response page(Exchange exchange) {
    return Response.text(200, "text/html; charset=utf-8", ClassPath.text(Pages.class, "page.html"))
        .with(Fields.of("Content-Security-Policy", POLICY, "Cache-Control", "no-cache"));
  }

  static Response asset(Exchange exchange) throws IOException {
    String name = exchange.pathParameter("asset");
    byte @Nullable [] bytes = bytes(ASSETS.get(name));
    String type = name.endsWith(".css") ? "text/css" : "text/javascript";
    return bytes == null
        ? Response.refused(ApiError.of(ErrorCode.NOT_FOUND))
        : Response.bytes(200, type + "; charset=utf-8", bytes).with("Cache-Control", "no-cache");
  }

  private static byte @Nullable [] bytes(@Nullable String resource) throws IOException {
    if (resource == null) {
      return null;
    }
    try (InputStream in = Pages.class.getResourceAsStream(resource)) {
      return in == null ? null : in.readAllBytes();
    }
  }
}
