package luki.gateway.server;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.FilterInputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import luki.gateway.config.Settings;
import luki.gateway.http.Deadline;
import luki.gateway.server.GatewayServer.ServerEngine;
import luki.http1.BadMessage;
import luki.http1.BadMessage.Reason;
import luki.http1.BodyFraming;
import luki.http1.EngineExchange;
import luki.http1.Fields;
import luki.http1.Refusals;
import luki.http1.RequestParser;
import org.jspecify.annotations.Nullable;

/**
 * The JDK's own server, with what it lacks as far as that can be added around it: the head is
 * checked again, since that server is lenient where RFC 9112 lets a server be strict; a write has a
 * time limit; a client that still sends sees its reply.
 */
public record JdkServer(HttpHandler handler, Refusals refusals, Settings.Limits limits)
    implements HttpHandler {
  /** Unread bytes of a body that are read and dropped rather than the connection closed. */
  private static final int MAX_DRAIN_BYTES = 64 * 1024;

  private static final Duration LINGER = Duration.ofSeconds(1);
  private static final long LOOK_NANOS = 1_000_000;
  private static final Duration QUIET = Duration.ofMillis(100);

  public static ServerEngine engine(Settings.Limits limits) {
    System.setProperty("sun.net.httpserver.nodelay", "true");
    System.setProperty("sun.net.httpserver.idleInterval", Long.toString(limits.idle().toSeconds()));
    System.setProperty(
        "sun.net.httpserver.maxIdleConnections", Integer.toString(limits.connections()));
    System.setProperty("jdk.httpserver.maxConnections", Integer.toString(limits.connections()));
    // In seconds, unlike its documentation says. It covers the head and the body.
    System.setProperty(
        "sun.net.httpserver.maxReqTime", Long.toString(3 * limits.header().toSeconds()));
    // Above our own limit, so that ours answers in our own shape.
    System.setProperty(
        "sun.net.httpserver.maxReqHeaderSize", Integer.toString(4 * limits.headerBytes()));
    System.setProperty("sun.net.httpserver.drainAmount", Integer.toString(MAX_DRAIN_BYTES));
    return (address, backlog, handler, refusals) -> {
      HttpServer server = HttpServer.create(address, backlog);
      server.createContext("/", new JdkServer(handler, refusals, limits));
      return server;
    };
  }

  @Override
  public void handle(HttpExchange http) throws IOException {
    EngineExchange engine = EngineExchange.of(http);
    RequestInput in = new RequestInput(http, engine.bodyLength());
    http.setStreams(in, new ReplyOutput(http.getResponseBody(), in, limits.write()));
    Reason refusal = refusal(http, engine);
    // Its chunked reader is lenient too, so that what follows such a body is not trusted.
    if (refusal != null || engine.bodyLength() < 0 || in.hasMuchUnread()) {
      http.getResponseHeaders().set("Connection", "close");
    }
    if (refusal == null) {
      handler.handle(http);
    } else {
      refusals.handle(http, refusal);
    }
    if (in.hasMuchUnread()) {
      in.discard(LINGER);
      throw new IOException("closing: the rest of the body is not read");
    }
    http.close();
  }

  private @Nullable Reason refusal(HttpExchange http, EngineExchange engine) {
    boolean http11 = http.getProtocol().equals("HTTP/1.1");
    if (!http11 && !http.getProtocol().equals("HTTP/1.0")) {
      return Reason.VERSION;
    }
    try {
      Fields fields = engine.fields();
      RequestParser.checkHost(http11, fields);
      BodyFraming _ = RequestParser.framing(http11, fields);
      return fields.renderedLength() > limits.headerBytes() ? Reason.FIELDS_TOO_LARGE : null;
    } catch (BadMessage bad) {
      return bad.reason();
    } catch (IllegalArgumentException malformed) {
      return Reason.FIELD;
    }
  }

  /** Counts what was read of a request body. */
  private static final class RequestInput extends FilterInputStream {
    private final HttpExchange http;
    private final long declared;
    private long taken;
    private boolean ended;

    RequestInput(HttpExchange http, long declared) {
      super(http.getRequestBody());
      this.http = http;
      this.declared = declared;
      this.ended = declared == 0;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      int n = super.read(into, offset, length);
      taken += Math.max(0, n);
      if (n < 0 || taken == declared) {
        ended = true;
        if (declared >= 0) {
          // The connection can go on after all.
          http.getResponseHeaders().remove("Connection");
        }
      }
      return n;
    }

    boolean hasMuchUnread() {
      return !ended && (declared < 0 || declared > MAX_DRAIN_BYTES);
    }

    /**
     * Drops what comes within a time, until nothing came for a moment: a connection that is closed
     * with bytes unread is reset, and the reply may be lost with it (RFC 9112 §9.6).
     */
    void discard(Duration most) throws IOException {
      Deadline end = Deadline.after(most);
      Deadline quiet = Deadline.after(QUIET);
      byte[] dropped = new byte[16 * 1024];
      while (!end.hasPassed() && !quiet.hasPassed() && !ended) {
        if (available() > 0 && read(dropped, 0, dropped.length) > 0) {
          quiet = Deadline.after(QUIET);
        } else {
          LockSupport.parkNanos(LOOK_NANOS);
        }
      }
    }
  }

  /** Ends a write that its reader keeps waiting for too long. */
  private static final class ReplyOutput extends FilterOutputStream {
    private final RequestInput request;
    private final Duration limit;

    ReplyOutput(OutputStream out, RequestInput request, Duration limit) {
      super(out);
      this.request = request;
      this.limit = limit;
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      Thread writer = Thread.currentThread();
      CompletableFuture<Void> done = new CompletableFuture<>();
      // A virtual thread that is interrupted in a write to a socket closes the socket.
      CompletableFuture<?> _ =
          done.orTimeout(limit.toNanos(), TimeUnit.NANOSECONDS)
              .exceptionally(
                  _ -> {
                    writer.interrupt();
                    return null;
                  });
      try {
        out.write(bytes, offset, length);
        out.flush();
      } finally {
        done.complete(null);
      }
    }

    /** Closing it would first read the rest of the request. */
    @Override
    public void close() throws IOException {
      if (request.hasMuchUnread()) {
        flush();
      } else {
        super.close();
      }
    }
  }
}
