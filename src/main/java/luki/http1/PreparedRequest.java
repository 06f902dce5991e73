package luki.http1;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.time.Duration;
import java.util.Optional;

/**
 * A request that is complete and was checked when it was made. A client that knows this class sends
 * its parts as they are; the objects of the JDK's interface are made when another client asks.
 */
public final class PreparedRequest extends HttpRequest {
  /** No limit, as a moment of {@link System#nanoTime}. */
  public static final long NEVER = Long.MAX_VALUE;

  // The JDK's client refuses a timeout of zero.
  private static final long MIN_TIMEOUT_NANOS = 1_000_000;

  private final Origin origin;
  private final String method;
  private final String target;
  private final Fields fields;
  private final byte[] body;
  private final long headBy;
  private final boolean freshConnection;

  /**
   * Where a request goes (RFC 6454 §4).
   *
   * @param host a name, or an address as in a URI
   */
  public record Origin(boolean tls, String host, int port) {
    public Origin {
      if (!Grammar.isHost(host + ":" + port)) {
        throw new IllegalArgumentException("not a host and a port");
      }
    }

    public static Origin of(URI uri) {
      boolean tls = "https".equalsIgnoreCase(uri.getScheme());
      Authority authority = Authority.of(uri);
      if (authority == null) {
        throw new IllegalArgumentException("no host");
      }
      int port = authority.port() >= 0 ? authority.port() : tls ? 443 : 80;
      return new Origin(tls, authority.host(), port);
    }

    /** The value of {@code Host}: without the port if it is the scheme's default. */
    public String authority() {
      return port == (tls ? 443 : 80) ? host : host + ":" + port;
    }
  }

  /**
   * Makes one. {@code Host} and the fields for framing are added by the client.
   *
   * @param target in origin-form, encoded
   * @param body is not copied; empty for none
   * @param headBy when the head of the reply must have arrived, of {@link System#nanoTime}, or
   *     {@link #NEVER}
   * @throws IllegalArgumentException the request must not be sent as it is
   */
  public PreparedRequest(
      Origin origin, String method, String target, Fields fields, byte[] body, long headBy) {
    this(origin, method, target, fields, body, headBy, false);
  }

  private PreparedRequest(
      Origin origin,
      String method,
      String target,
      Fields fields,
      byte[] body,
      long headBy,
      boolean freshConnection) {
    if (!Grammar.isToken(method) || !Grammar.isOriginForm(target)) {
      throw new IllegalArgumentException("not a request line");
    }
    for (int i = 0; i < fields.size(); i++) {
      String name = fields.name(i);
      if (Grammar.isFramingField(name)
          || name.equalsIgnoreCase("Host")
          || name.equalsIgnoreCase("Expect")) {
        throw new IllegalArgumentException(name + " is set by the client");
      }
    }
    this.origin = origin;
    this.method = method;
    this.target = target;
    this.fields = fields;
    this.body = body;
    this.headBy = headBy;
    this.freshConnection = freshConnection;
  }

  /** The same, on a connection that was never used; a client that cannot do that ignores it. */
  public PreparedRequest onFreshConnection() {
    return new PreparedRequest(origin, method, target, fields, body, headBy, true);
  }

  /** The path and query of a URI as a target. */
  public static String targetOf(URI uri) {
    String path = uri.getRawPath().isEmpty() ? "/" : uri.getRawPath();
    return uri.getRawQuery() == null ? path : path + "?" + uri.getRawQuery();
  }

  public Origin origin() {
    return origin;
  }

  @Override
  public String method() {
    return method;
  }

  public String target() {
    return target;
  }

  public Fields fields() {
    return fields;
  }

  public byte[] body() {
    return body;
  }

  public long headBy() {
    return headBy;
  }

  public boolean freshConnection() {
    return freshConnection;
  }

  @Override
  public URI uri() {
    String scheme = origin.tls() ? "https://" : "http://";
    return URI.create(scheme + origin.host() + ":" + origin.port() + target);
  }

  @Override
  public HttpHeaders headers() {
    return fields.toHttpHeaders();
  }

  @Override
  public Optional<BodyPublisher> bodyPublisher() {
    return Optional.of(
        body.length == 0 ? BodyPublishers.noBody() : BodyPublishers.ofByteArray(body));
  }

  @Override
  public Optional<Duration> timeout() {
    return headBy == NEVER
        ? Optional.empty()
        : Optional.of(Duration.ofNanos(Math.max(MIN_TIMEOUT_NANOS, headBy - System.nanoTime())));
  }

  @Override
  public boolean expectContinue() {
    return false;
  }

  /** Left to the client. */
  @Override
  public Optional<HttpClient.Version> version() {
    return Optional.empty();
  }
}
