package luki.gateway.handler;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;
import luki.gateway.http.ApiError;
import luki.gateway.http.Body;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.Response;
import luki.gateway.json.Json;

/** The contract for its readers: as JSON, and as a page that Redoc draws. */
public final class DocsHandlers {
  private static final String SCRIPT = "redoc.standalone.js";
  // Redoc writes its styles into the page and searches in a worker that it makes from a blob.
  private static final String PAGE_POLICY =
      "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src 'self' data:;"
          + " font-src 'self'; connect-src 'self'; worker-src blob:; child-src blob:;"
          + " base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
  private static final String PAGE =
      """
      <!doctype html>
      <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>{title}</title>
      </head>
      <body style="margin: 0">
        <redoc spec-url="/openapi.json" disable-google-font="true"></redoc>
        <noscript><p>The contract is at <a href="/openapi.json">/openapi.json</a>.</p></noscript>
        <script src="/docs/redoc.standalone.js"></script>
      </body>
      </html>
      """;

  private final byte[] document;
  private final String page;
  private final byte[] script;

  /**
   * Loads what is served.
   *
   * @param redocVersion the version of the WebJar on the class path
   */
  public DocsHandlers(Json document, String title, String redocVersion) {
    this.document = document.bytes();
    this.page = PAGE.replace("{title}", title.replace("&", "&amp;").replace("<", "&lt;"));
    this.script = resource("/META-INF/resources/webjars/redoc/" + redocVersion + "/" + SCRIPT);
  }

  /** By the names that the contract uses. */
  public Map<String, Handler> byName() {
    return Map.of(
        "openapi", _ -> Response.json(200, Body.of(document)),
        "docs", this::page,
        "docs-asset", this::asset);
  }

  private Response page(Exchange exchange) {
    return Response.text(200, "text/html; charset=utf-8", page)
        .with("Content-Security-Policy", PAGE_POLICY);
  }

  private Response asset(Exchange exchange) {
    if (!exchange.pathParameter("asset").equals(SCRIPT)) {
      return Response.refused(ApiError.of(ErrorCode.NOT_FOUND));
    }
    return Response.bytes(200, "text/javascript; charset=utf-8", script)
        .with("Cache-Control", "public, max-age=86400");
  }

  private static byte[] resource(String name) {
    try (InputStream in = DocsHandlers.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("not on the class path: " + name);
      }
      return in.readAllBytes();
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
  }
}
