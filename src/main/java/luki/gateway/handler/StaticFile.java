package luki.gateway.handler;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.regex.Pattern;
import java.util.zip.GZIPOutputStream;
import luki.gateway.http.Body;
import luki.gateway.http.Exchange;
import luki.gateway.http.Response;
import luki.gateway.http.Sha256;
import luki.http1.Fields;
import org.jspecify.annotations.Nullable;

/** A reply that never changes, in both codings, each with an entity tag of its own. */
final class StaticFile {
  // Without "*", which asks for any coding: the reply may then have none.
  private static final Pattern GZIP =
      Pattern.compile(
          "(?:^|,)\\s*gzip\\s*(?:;\\s*q\\s*=(?!\\s*0(?:\\.0*)?\\s*(?:,|$))[^,]*)?(?:,|$)",
          Pattern.CASE_INSENSITIVE);

  private final String hash;
  private final Response plain;
  // Made when it is asked for: Redoc's script takes 0.1 s, which the start would wait for.
  private volatile @Nullable Response zipped;

  StaticFile(Response reply, String cacheControl) {
    this.hash = Sha256.of(Body.bytesOf(reply.body())).substring(0, 16);
    this.plain = reply.with(Fields.of("Cache-Control", cacheControl, "Vary", "Accept-Encoding"));
  }

  private Response zipped() {
    Response made = zipped;
    if (made == null) {
      byte[] bytes = zip(Body.bytesOf(plain.body()));
      made = plain.with("Content-Encoding", "gzip").with(Body.of(bytes));
      zipped = made;
    }
    return made;
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
    Response whole = (zips ? zipped() : plain).with("ETag", tag);
    // RFC 9110 §13.1.2: the comparison ignores whether a tag is weak.
    boolean known =
        request.hasToken("If-None-Match", tag)
            || request.hasToken("If-None-Match", "W/" + tag)
            || request.hasToken("If-None-Match", "*");
    return known ? new Response(304, whole.headers(), Body.EMPTY) : whole;
  }
}
