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
import java.util.HashMap;
import java.util.Map;
import luki.http1.BodyFraming;
import luki.http1.EngineExchange;
import luki.http1.FieldHeaders;
import luki.http1.RequestHead;
import org.jspecify.annotations.Nullable;

/** One request and its reply. What only the JDK's interface needs is made when it is asked for. */
final class EdgeExchange extends HttpExchange implements EngineExchange {
  private final Connection connection;
  private final @Nullable EdgeContext context;
  private final RequestHead head;
  private final RequestBody requestBody;
  private final Reply reply;
  private InputStream in;
  private @Nullable OutputStream out;
  private @Nullable OutputStream replacement;
  private final Headers requestHeaders;
  private final Headers responseHeaders = FieldHeaders.empty();
  private @Nullable URI uri;
  private @Nullable Map<String, Object> attributes;

  EdgeExchange(
      Connection connection,
      @Nullable EdgeContext context,
      RequestHead head,
      RequestBody requestBody,
      Reply reply) {
    this.connection = connection;
    this.context = context;
    this.head = head;
    this.requestBody = requestBody;
    this.reply = reply;
    this.in = requestBody;
    this.requestHeaders = FieldHeaders.readOnly(head.fields());
  }

  /** Runs the handler; what it threw, or null. */
  @Nullable Throwable handle() {
    try {
      if (context == null) {
        sendResponseHeaders(404, -1);
      } else {
        context.handle(this);
      }
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
    if (!requestBody.isEnded() || reply.state() != Reply.State.UNBEGUN) {
      throw new IllegalStateException("too early or too late to watch");
    }
    connection.watch().begin(reply);
  }

  @Override
  public void onHalfClose(Runnable write) {
    connection.watch().askBy(write);
  }

  @Override
  public Headers getRequestHeaders() {
    return requestHeaders;
  }

  @Override
  public Headers getResponseHeaders() {
    return responseHeaders;
  }

  @Override
  public URI getRequestURI() {
    URI made = uri;
    if (made == null) {
      // RFC 3986 §3.3: what begins with two slashes would be read as an authority.
      made = URI.create(head.target().startsWith("//") ? "/." + head.target() : head.target());
      uri = made;
    }
    return made;
  }

  @Override
  public String getRequestMethod() {
    return head.method();
  }

  @Override
  public HttpContext getHttpContext() {
    if (context == null) {
      throw new IllegalStateException("no context");
    }
    return context;
  }

  /** Ends the exchange: a reply that is not complete is aborted. */
  @Override
  public void close() {
    reply.abort();
  }

  @Override
  public InputStream getRequestBody() {
    return in;
  }

  @Override
  public OutputStream getResponseBody() {
    if (replacement != null) {
      return replacement;
    }
    return out == null ? new ResponseBody() : out;
  }

  /** The JDK hands the stream out before there is a head, so that filters can wrap it. */
  private final class ResponseBody extends OutputStream {
    private OutputStream begun() throws IOException {
      OutputStream body = out;
      if (body == null) {
        throw new IOException("the head comes first");
      }
      return body;
    }

    @Override
    public void write(int octet) throws IOException {
      begun().write(octet);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      begun().write(bytes, offset, length);
    }

    @Override
    public void flush() throws IOException {
      begun().flush();
    }

    @Override
    public void close() throws IOException {
      begun().close();
    }
  }

  @Override
  public void sendResponseHeaders(int status, long length) throws IOException {
    if (reply.state() != Reply.State.UNBEGUN) {
      throw new IOException("the head was sent");
    }
    // In the JDK's interface 0 means an unknown length and -1 means no body.
    long known = length > 0 ? length : length == 0 ? Reply.UNKNOWN : 0;
    boolean alone = length < 0 && reply.tellsLengthAlone(status);
    out = reply.begin(status, FieldHeaders.of(responseHeaders), alone ? Reply.UNKNOWN : known);
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
  public @Nullable Object getAttribute(String name) {
    return attributes == null ? null : attributes.get(name);
  }

  @Override
  public void setAttribute(String name, @Nullable Object value) {
    Map<String, Object> map = attributes;
    if (map == null) {
      map = new HashMap<>();
      attributes = map;
    }
    if (value == null) {
      map.remove(name);
    } else {
      map.put(name, value);
    }
  }

  @Override
  public void setStreams(@Nullable InputStream input, @Nullable OutputStream output) {
    if (input != null) {
      in = input;
    }
    if (output != null) {
      replacement = output;
    }
  }

  /** Always null: there are no authenticators. */
  @Override
  public @Nullable HttpPrincipal getPrincipal() {
    return null;
  }
}
