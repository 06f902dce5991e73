package luki.http1;

import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import luki.http1.RequestParser.RequestHead;
import org.jspecify.annotations.Nullable;

/** What a parser reads from a connection: whole requests, up to the first that it refuses. */
final class Reading {
  /**
   * A request as far as it matters who reads it.
   *
   * @param body as ISO-8859-1
   */
  record Seen(String method, String target, int lines, String body) {}

  private Reading() {}

  /** By the grammar of this room. */
  static List<Seen> ours(byte[] bytes) {
    return ours(new InputBuffer(new ByteArrayInputStream(bytes), 512, ByteBudget.unlimited()));
  }

  static List<Seen> ours(InputBuffer source) {
    List<Seen> seen = new ArrayList<>();
    RequestParser parser = new RequestParser(source, HeadLimits.USUAL);
    try {
      for (RequestHead head = parser.next(); head != null; head = parser.next()) {
        BodyInput body = BodyInput.of(head.body(), source, HeadLimits.USUAL);
        String text = new String(body.readAllBytes(), StandardCharsets.ISO_8859_1);
        seen.add(new Seen(head.method(), head.target(), head.fields().size(), text));
      }
    } catch (BadMessage | EOFException refused) {
      // Whatever came before stands.
      return seen;
    } catch (IOException cannotBe) {
      throw new AssertionError(cannotBe);
    }
    return seen;
  }

  /** By Netty's decoder. */
  static List<Seen> nettys(byte[] bytes) {
    List<Seen> seen = new ArrayList<>();
    EmbeddedChannel channel = new EmbeddedChannel(new HttpRequestDecoder());
    try {
      channel.writeInbound(Unpooled.wrappedBuffer(bytes));
      HttpRequest head = null;
      ByteArrayOutputStream body = new ByteArrayOutputStream();
      for (Object part = channel.readInbound(); part != null; part = channel.readInbound()) {
        if (part instanceof HttpRequest request) {
          head = request;
          body.reset();
          if (request.decoderResult().isFailure()) {
            return seen;
          }
        }
        if (part instanceof HttpContent content) {
          if (content.decoderResult().isFailure()) {
            return seen;
          }
          byte[] piece = new byte[content.content().readableBytes()];
          content.content().readBytes(piece);
          body.writeBytes(piece);
        }
        if (part instanceof LastHttpContent && head != null) {
          seen.add(
              new Seen(
                  head.method().name(),
                  head.uri(),
                  head.headers().size(),
                  body.toString(StandardCharsets.ISO_8859_1)));
          head = null;
        }
        ReferenceCountUtil.release(part);
      }
      return seen;
    } finally {
      channel.finishAndReleaseAll();
    }
  }

  /** Null where the other parser takes at least what we take and reads the same in it. */
  static @Nullable String looser(List<Seen> ours, List<Seen> theirs) {
    for (int i = 0; i < ours.size(); i++) {
      if (i >= theirs.size()) {
        return "ours " + ours + "\ntheirs " + theirs;
      }
      Seen other = theirs.get(i);
      // An absolute-form is reduced to its path here, and left as it is there.
      boolean absolute = other.target().toLowerCase(Locale.ROOT).startsWith("http");
      String target = absolute ? ours.get(i).target() : other.target();
      Seen same = new Seen(other.method(), target, other.lines(), other.body());
      if (!same.equals(ours.get(i))) {
        return "ours " + ours.get(i) + "\ntheirs " + other;
      }
    }
    return null;
  }
}
