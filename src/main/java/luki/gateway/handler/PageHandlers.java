package luki.gateway.handler;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import luki.gateway.http.ApiError;
import luki.gateway.http.ClassPath;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Handler;
import luki.gateway.http.Response;
import luki.gateway.json.Json;

/** The contract for its readers, as JSON and as a page that Redoc draws, and the console. */
public final class PageHandlers {
  private static final String REDOC = "redoc.standalone.js";
  private static final String ICON = "icon.svg";
  // Redoc writes its styles into the page and searches in a worker that it makes from a blob.
  private static final String DOCS_POLICY =
      "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src 'self' data:;"
          + " font-src 'self'; connect-src 'self'; worker-src blob:; child-src blob:;"
          + " base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

  // All that the page needs is in its files; its calls go to this gateway.
  private static final String CONSOLE_POLICY =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
          + " require-trusted-types-for 'script'; trusted-types 'none';"
          + " base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

  private PageHandlers() {}

  /**
   * By the names that the contract uses. Redoc comes from the WebJar of that version on the class
   * path.
   */
  public static Map<String, Handler> byName(Json document, String title, String redocVersion) {
    String html = text("docs.html").replace("{title}", escaped(title));
    // The only address of another server that Redoc would ask by itself.
    String redoc =
        text("/META-INF/resources/webjars/redoc/" + redocVersion + "/" + REDOC)
            .replace("https://cdn.redoc.ly/redoc/logo-mini.svg", "/docs/" + ICON);
    String day = "public, max-age=86400";
    Map<String, StaticFile> consoleAssets = new HashMap<>();
    for (String name : List.of("console.css", "console.js", "chat.js", "metrics.js")) {
      // Asked for each time, so that the files of one page are of one version.
      consoleAssets.put(name, asset(name, text("console/" + name), "no-cache"));
    }
    return Map.of(
        "openapi", new StaticFile(Response.json(200, document), "no-cache")::answer,
        "docs", page(html, DOCS_POLICY)::answer,
        "docs-asset",
            oneOf(Map.of(REDOC, asset(REDOC, redoc, day), ICON, asset(ICON, text(ICON), day))),
        "console", page(text("console/console.html"), CONSOLE_POLICY)::answer,
        "console-asset", oneOf(consoleAssets));
  }

  private static Handler oneOf(Map<String, StaticFile> assets) {
    return exchange -> {
      StaticFile asset = assets.get(exchange.pathParameter("asset"));
      return asset == null
          ? Response.refused(ApiError.of(ErrorCode.NOT_FOUND))
          : asset.answer(exchange);
    };
  }

  private static StaticFile page(String html, String policy) {
    Response reply = Response.text(200, "text/html; charset=utf-8", html);
    return new StaticFile(reply.with("Content-Security-Policy", policy), "no-cache");
  }

  private static StaticFile asset(String name, String text, String cacheControl) {
    String type =
        switch (name.substring(name.lastIndexOf('.') + 1)) {
          case "svg" -> "image/svg+xml";
          case "css" -> "text/css; charset=utf-8";
          default -> "text/javascript; charset=utf-8";
        };
    return new StaticFile(Response.text(200, type, text), cacheControl);
  }

  private static String text(String resource) {
    return ClassPath.text(PageHandlers.class, resource);
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;");
  }
}
