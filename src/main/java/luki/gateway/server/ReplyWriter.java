package luki.gateway.server;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.OutputStream;
import luki.gateway.http.Body;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Method;
import luki.gateway.http.Response;
import luki.gateway.http.Response.Delivery;
import luki.http1.EngineExchange;
import luki.http1.Fields;
import org.jspecify.annotations.Nullable;

/** Writes one reply to an exchange of any engine, and reports how that ended. */
final class ReplyWriter {
  private static final long UNKNOWN_LENGTH = 0;
  private static final long NO_BODY = -1;

  private final HttpExchange http;
  private final EngineExchange engine;
  private final Response response;
  // Until it is known better: a write that fails means that the client left.
  private Delivery.End end = Delivery.End.CLIENT_CLOSED;
  private boolean answered;
  private long bytesSent;
  private @Nullable ErrorCode streamError;
  private boolean goesOn;

  private ReplyWriter(HttpExchange http, Response response) {
    this.http = http;
    this.engine = EngineExchange.of(http);
    this.response = response;
  }

  /**
   * Writes it; the listeners of the response are called however that ends.
   *
   * @throws IOException the reply could not be finished; the engine then drops the connection
   *     without a last chunk, so that half of a reply never looks whole
   */
  static void write(HttpExchange http, Method method, Response response) throws IOException {
    ReplyWriter writer = new ReplyWriter(http, response);
    try {
      switch (response.body()) {
        case Body.Empty _ -> writer.head(response.headers(), NO_BODY);
        case Body.Bytes whole -> writer.whole(whole.bytes(), method == Method.HEAD);
        case Body.Stream stream -> writer.stream(stream);
        case Body.Upgraded upgraded -> writer.upgraded(upgraded.session());
      }
      writer.end = Delivery.End.COMPLETE;
    } finally {
      Delivery delivery = writer.delivery();
      if (!writer.goesOn) {
        response.onComplete().accept(delivery);
      }
    }
  }

  private Delivery delivery() {
    if (engine.isPeerGone()) {
      // What interrupted the request must not interrupt what is done after it.
      boolean _ = Thread.interrupted();
      end = end == Delivery.End.COMPLETE ? end : Delivery.End.CLIENT_CLOSED;
    }
    int status = answered ? response.status() : Delivery.UNANSWERED;
    return new Delivery(end, status, bytesSent, streamError);
  }

  private void head(Fields headers, long length) throws IOException {
    if (engine.isPeerGone()) {
      throw new IOException("the client left");
    }
    engine.sendHead(response.status(), headers, length);
    answered = true;
  }

  private void whole(byte[] bytes, boolean headOnly) throws IOException {
    if (headOnly) {
      // RFC 9110 §9.3.2: the length that GET would have.
      head(response.headers().with("Content-Length", Integer.toString(bytes.length)), NO_BODY);
      return;
    }
    head(response.headers(), bytes.length);
    OutputStream out = http.getResponseBody();
    out.write(bytes);
    out.close();
    bytesSent = bytes.length;
  }

  /** Sends each piece at once. */
  private void stream(Body.Stream stream) throws IOException {
    Body.Source source = stream.source();
    try (source) {
      engine.onHalfClose(source::probe);
      head(response.headers(), UNKNOWN_LENGTH);
      try {
        pieces(stream);
      } finally {
        goesOn =
            source.release(
                how ->
                    response
                        .onComplete()
                        .accept(new Delivery(how, response.status(), bytesSent, source.failure())));
      }
    } finally {
      streamError = source.failure();
    }
  }

  private void pieces(Body.Stream stream) throws IOException {
    OutputStream out = http.getResponseBody();
    out.flush();
    for (byte[] piece = next(stream.source()); piece != null; piece = next(stream.source())) {
      byte[] sent = stream.encoder().apply(piece);
      out.write(sent);
      out.flush();
      bytesSent += sent.length;
    }
    out.close();
  }

  private void upgraded(Body.Session session) throws IOException {
    head(response.headers(), UNKNOWN_LENGTH);
    OutputStream out = http.getResponseBody();
    out.flush();
    session.run(http.getRequestBody(), out);
    out.close();
  }

  /** The next piece; a failure of the source is not one of the client. */
  private byte @Nullable [] next(Body.Source source) throws IOException {
    try {
      return source.next();
    } catch (InterruptedException stopping) {
      Thread.currentThread().interrupt();
      end = Delivery.End.ABORTED;
      throw new IOException("stopped", stopping);
    } catch (IOException | RuntimeException broken) {
      end = Delivery.End.ABORTED;
      throw broken;
    }
  }
}
