package luki.gateway.server;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.OutputStream;
import luki.gateway.http.Body;
import luki.gateway.http.Delivery;
import luki.gateway.http.Method;
import luki.gateway.http.Response;
import luki.http1.Fields;
import luki.http1.PeerWatch;
import luki.http1.RawReply;
import luki.http1.RenderedFields;

/**
 * Replies through our own engine, which keeps its own deadlines and tells when the reader of a
 * stream leaves.
 */
final class RawReplies implements Replies {
  @Override
  public void write(HttpExchange http, ExchangeReader.Incoming incoming, Response response)
      throws IOException {
    Progress progress = new Progress();
    RawReply raw = (RawReply) http;
    try {
      Fields fields = fieldsOf(response.headers());
      switch (response.body()) {
        case Body.Empty _ ->
            // HEAD of a stream: nobody knows how long that would have been.
            raw.reply(
                    response.status(),
                    RenderedFields.NONE,
                    fields,
                    incoming.request().method() == Method.HEAD ? RawReply.UNKNOWN : 0)
                .close();
        case Body.Bytes whole -> {
          byte[] bytes = whole.bytes();
          OutputStream out =
              raw.reply(response.status(), RenderedFields.NONE, fields, bytes.length);
          out.write(bytes);
          out.close();
          progress.bytes = bytes.length;
        }
        case Body.Stream stream ->
            stream(http, response.status(), fields, stream.source(), progress);
      }
      progress.end = Delivery.End.COMPLETE;
    } finally {
      progress.tell(response);
    }
  }

  private static Fields fieldsOf(Fields headers) {
    Fields.Builder fields = new Fields.Builder();
    headers.forEach(fields::add);
    return fields.build();
  }

  private static void stream(
      HttpExchange http, int status, Fields fields, Body.Source source, Progress progress)
      throws IOException {
    PeerWatch peer = (PeerWatch) http;
    try (source) {
      source.readerIsWatched();
      peer.onGone(source::readerLeft);
      OutputStream out =
          ((RawReply) http).reply(status, RenderedFields.NONE, fields, RawReply.UNKNOWN);
      out.flush();
      for (byte[] piece = progress.pull(source); piece != null; piece = progress.pull(source)) {
        out.write(piece);
        out.flush();
        progress.bytes += piece.length;
      }
      if (peer.isGone()) {
        throw new IOException("the reader left");
      }
      out.close();
    } finally {
      progress.failure = source.failure();
    }
  }

  @Override
  public void close() {}
}
