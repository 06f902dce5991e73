package luki.gateway.server;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.OutputStream;
import luki.gateway.http.Body;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Method;
import luki.gateway.http.Response;
import luki.gateway.http.Sent;
import org.jspecify.annotations.Nullable;

/** Writes a reply; whoever asked to be told how that ended is told, whatever happens. */
final class ReplyWriter {
  private final WriteLimit limit;

  ReplyWriter(WriteLimit limit) {
    this.limit = limit;
  }

  /**
   * Writes it out.
   *
   * @throws IOException the reply could not be finished; the engine then drops the connection
   *     without a last chunk, so that half of a reply never looks whole
   */
  void write(HttpExchange http, ExchangeReader.Incoming incoming, Response response)
      throws IOException {
    Method method = incoming.request().method();
    Progress progress = new Progress();
    try {
      response.headers().forEach((name, value) -> http.getResponseHeaders().add(name, value));
      switch (response.body()) {
        case Body.Empty _ -> http.sendResponseHeaders(response.status(), -1);
        case Body.Bytes whole -> whole(http, method, response.status(), whole.bytes(), progress);
        case Body.Stream stream -> stream(http, response.status(), stream.source(), progress);
      }
      progress.end = Sent.End.COMPLETE;
      if (!incoming.hasMuchUnread()) {
        http.close();
      }
    } finally {
      Sent sent = new Sent(progress.end, progress.bytes, progress.failure);
      response.whenSent().forEach(told -> told.accept(sent));
    }
    if (incoming.hasMuchUnread()) {
      incoming.linger();
      throw new IOException("closing: the rest of the body is not wanted");
    }
  }

  /** How far it got; a write that fails leaves it at "the reader left". */
  private static final class Progress {
    private Sent.End end = Sent.End.CLIENT_CLOSED;
    private long bytes;
    private @Nullable ErrorCode failure;
  }

  private void whole(HttpExchange http, Method method, int status, byte[] bytes, Progress progress)
      throws IOException {
    if (method == Method.HEAD) {
      // RFC 9110 §9.3.2: the length that GET would have.
      http.getResponseHeaders().set("Content-Length", Integer.toString(bytes.length));
      http.sendResponseHeaders(status, -1);
      return;
    }
    http.sendResponseHeaders(status, bytes.length);
    // Not closed here: closing it reads what is left of the request first.
    OutputStream out = http.getResponseBody();
    limit.write(out, bytes);
    progress.bytes = bytes.length;
  }

  private void stream(HttpExchange http, int status, Body.Source source, Progress progress)
      throws IOException {
    try (source) {
      http.sendResponseHeaders(status, 0);
      OutputStream out = http.getResponseBody();
      out.flush();
      for (byte[] piece = pull(source, progress); piece != null; piece = pull(source, progress)) {
        limit.write(out, piece);
        progress.bytes += piece.length;
      }
      out.close();
    } finally {
      progress.failure = source.failure();
    }
  }

  /** A failure of the source is not one of the reader. */
  private static byte @Nullable [] pull(Body.Source source, Progress progress) throws IOException {
    try {
      return source.next();
    } catch (InterruptedException stopping) {
      Thread.currentThread().interrupt();
      progress.end = Sent.End.ABORTED;
      throw new IOException("stopped", stopping);
    } catch (IOException | RuntimeException broken) {
      progress.end = Sent.End.ABORTED;
      throw broken;
    }
  }
}
