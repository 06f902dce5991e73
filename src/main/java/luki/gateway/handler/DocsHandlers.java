package luki.gateway.handler;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.zip.GZIPOutputStream;
import luki.gateway.http.ApiError;
import luki.gateway.http.Body;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.Response;
import luki.gateway.http.Sha256;
import luki.gateway.json.Json;
import luki.http1.Fields;

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

  private final StaticFile document;
  private final StaticFile page;
  private final StaticFile script;

  /**
   * Loads what is served.
   *
   * @param redocVersion the version of the WebJar on the class path
   */
  public DocsHandlers(Json document, String title, String redocVersion) {
    String html = PAGE.replace("{title}", title.replace("&", "&amp;").replace("<", "&lt;"));
    byte[] redoc = resource("/META-INF/resources/webjars/redoc/" + redocVersion + "/" + SCRIPT);
    this.document = StaticFile.of(Response.json(200, document), "no-cache");
    this.page =
        StaticFile.of(
            Response.text(200, "text/html; charset=utf-8", html)
                .with("Content-Security-Policy", PAGE_POLICY),
            "no-cache");
    this.script =
        StaticFile.of(
            Response.bytes(200, "text/javascript; charset=utf-8", redoc), "public, max-age=86400");
  }

  /** By the names that the contract uses. */
  public Map<String, Handler> byName() {
    return Map.of(
        "openapi",
        document::answer,
        "docs",
        page::answer,
        "docs-asset",
        exchange ->
            exchange.pathParameter("asset").equals(SCRIPT)
                ? script.answer(exchange)
                : Response.refused(ApiError.of(ErrorCode.NOT_FOUND)));
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

  /** A reply that never changes, in both codings, each with an entity tag of its own. */
  private record StaticFile(String hash, Response plain, Response zipped) {
    // Without "*", which asks for any coding: the reply may then have none.
    private static final Pattern GZIP =
        Pattern.compile(
            "(?:^|,)\\s*gzip\\s*(?:;\\s*q\\s*=(?!\\s*0(?:\\.0*)?\\s*(?:,|$))[^,]*)?(?:,|$)",
            Pattern.CASE_INSENSITIVE);

    static StaticFile of(Response reply, String cacheControl) {
      byte[] bytes = Body.bytesOf(reply.body());
      Response plain =
          reply.with(Fields.of("Cache-Control", cacheControl, "Vary", "Accept-Encoding"));
      Response zipped = plain.with("Content-Encoding", "gzip").with(Body.of(zip(bytes)));
      return new StaticFile(Sha256.of(bytes).substring(0, 16), plain, zipped);
    }

    private static byte[] zip(byte[] bytes) {
      ByteArrayOutputStream zipped = new ByteArrayOutputStream();
      try (GZIPOutputStream out = new GZIPOutputStream(zipped)) {
        out.write(bytes);
      } catch (IOException impossible) {
        throw new UncheckedIOException(impossible);
      }
      return zipped.toByteArray();
    }

    Response answer(Exchange exchange) {
      Fields request = exchange.request().headers();
      boolean zips = GZIP.matcher(String.join(",", request.all("Accept-Encoding"))).find();
      String tag = '"' + hash + (zips ? "-gzip\"" : "\"");
      Response whole = (zips ? zipped : plain).with("ETag", tag);
      // RFC 9110 §13.1.2: the comparison ignores whether a tag is weak.
      boolean known =
          request.hasToken("If-None-Match", tag)
              || request.hasToken("If-None-Match", "W/" + tag)
              || request.hasToken("If-None-Match", "*");
      return known ? new Response(304, whole.headers(), Body.EMPTY) : whole;
    }
  }
}
