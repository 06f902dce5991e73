package luki.edge;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpContext;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpPrincipal;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import luki.http1.BodyFraming;
import luki.http1.EngineExchange;
import luki.http1.Fields;
import luki.http1.RequestParser.RequestHead;
import org.jspecify.annotations.Nullable;

/** One request and its reply. What only the JDK's interface needs is made when it is asked for. */
final class EdgeExchange extends HttpExchange implements EngineExchange {
  private final Connection connection;
  private final RequestHead head;
  private final Reply reply;
  private @Nullable Headers requestHeaders;
  private @Nullable Headers responseHeaders;

  EdgeExchange(Connection connection, RequestHead head, Reply reply) {
    this.connection = connection;
    this.head = head;
    this.reply = reply;
  }

  /** Runs the handler; what it threw, or null. */
  @Nullable Throwable handle() {
    try {
      connection.shared().handler().handle(this);
      return null;
    } catch (IOException | RuntimeException | Error failure) {
      return failure;
    }
  }

  @Override
  public String target() {
    return head.target();
  }

  @Override
  public Fields fields() {
    return head.fields();
  }

  @Override
  public long bodyLength() {
    return switch (head.body()) {
      case BodyFraming.None _ -> 0;
      case BodyFraming.Fixed fixed -> fixed.bytes();
      case BodyFraming.Chunked _, BodyFraming.UntilClose _ -> -1;
    };
  }

  @Override
  public long receivedNanos() {
    return connection.firstByteAt();
  }

  @Override
  public void readBodyBy(long nanos) {
    connection.readBodyBy(nanos);
  }

  @Override
  public boolean isPeerGone() {
    return connection.isGone();
  }

  @Override
  public void interruptWhenPeerLeaves() {
    if (!reply.requestBody().isEnded() || reply.state() != Reply.State.UNBEGUN) {
      throw new IllegalStateException("too early or too late to watch");
    }
    connection.watch().begin(reply);
  }

  @Override
  public void onHalfClose(Runnable write) {
    connection.watch().askBy(write);
  }

  @Override
  public void sendHead(int status, Fields fields, long length) throws IOException {
    reply.begin(status, fields, length);
  }

  @Override
  public void sendResponseHeaders(int status, long length) throws IOException {
    Headers added = responseHeaders;
    sendHead(status, added == null ? Fields.NONE : EngineExchange.fieldsOf(added), length);
  }

  @Override
  public Headers getRequestHeaders() {
    if (requestHeaders == null) {
      Headers made = new Headers();
      head.fields().forEach(made::add);
      requestHeaders = Headers.of(made);
    }
    return requestHeaders;
  }

  @Override
  public Headers getResponseHeaders() {
    if (responseHeaders == null) {
      responseHeaders = new Headers();
    }
    return responseHeaders;
  }

  @Override
  public URI getRequestURI() {
    // RFC 3986 §3.3: what begins with two slashes would be read as an authority.
    return URI.create(head.target().startsWith("//") ? "/." + head.target() : head.target());
  }

  @Override
  public String getRequestMethod() {
    return head.method();
  }

  /** Ends the exchange: a reply that is not complete is aborted. */
  @Override
  public void close() {
    reply.abort();
  }

  @Override
  public InputStream getRequestBody() {
    return reply.requestBody();
  }

  @Override
  public OutputStream getResponseBody() {
    return reply;
  }

  @Override
  public InetSocketAddress getRemoteAddress() {
    return connection.remoteAddress();
  }

  @Override
  public int getResponseCode() {
    return reply.status();
  }

  @Override
  public InetSocketAddress getLocalAddress() {
    return connection.localAddress();
  }

  @Override
  public String getProtocol() {
    return head.http11() ? "HTTP/1.1" : "HTTP/1.0";
  }

  @Override
  public HttpContext getHttpContext() {
    throw new UnsupportedOperationException("contexts: this server has one handler");
  }

  @Override
  public @Nullable Object getAttribute(String name) {
    return null;
  }

  @Override
  public void setAttribute(String name, @Nullable Object value) {
    throw new UnsupportedOperationException("attributes");
  }

  @Override
  public void setStreams(@Nullable InputStream input, @Nullable OutputStream output) {
    throw new UnsupportedOperationException("streams of a filter");
  }

  /** Always null: there are no authenticators. */
  @Override
  public @Nullable HttpPrincipal getPrincipal() {
    return null;
  }
}
