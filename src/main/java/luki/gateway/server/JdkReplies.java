package luki.gateway.server;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.OutputStream;
import luki.gateway.http.Body;
import luki.gateway.http.Delivery;
import luki.gateway.http.Method;
import luki.gateway.http.Response;

/** Replies through the JDK's engine, with the write limit that it lacks. */
final class JdkReplies implements Replies {
  private final WriteLimit limit;

  JdkReplies(WriteLimit limit) {
    this.limit = limit;
  }

  @Override
  public void write(HttpExchange http, ExchangeReader.Incoming incoming, Response response)
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
      progress.end = Delivery.End.COMPLETE;
      if (!incoming.hasMuchUnread()) {
        http.close();
      }
    } finally {
      progress.tell(response);
    }
    if (incoming.hasMuchUnread()) {
      incoming.linger();
      throw new IOException("closing: the rest of the body is not wanted");
    }
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
      for (byte[] piece = progress.pull(source); piece != null; piece = progress.pull(source)) {
        limit.write(out, piece);
        progress.bytes += piece.length;
      }
      out.close();
    } finally {
      progress.failure = source.failure();
    }
  }

  @Override
  public void close() {
    limit.close();
  }
}
