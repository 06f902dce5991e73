package luki.gateway.handler;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.regex.Pattern;
import java.util.zip.GZIPOutputStream;
import luki.gateway.http.Body;
import luki.gateway.http.Exchange;
import luki.gateway.http.Response;
import luki.gateway.http.Sha256;
import luki.http1.Fields;

/** A reply that never changes, in both codings, each with an entity tag of its own. */
record StaticFile(String hash, Response plain, Response zipped) {
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

  /** The bytes of a file on the class path. */
  static byte[] resource(String name) {
    try (InputStream in = StaticFile.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("not on the class path: " + name);
      }
      return in.readAllBytes();
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
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
