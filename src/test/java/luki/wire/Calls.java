package luki.wire;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import luki.gateway.standin.RawUpstream;
import luki.http1.Fields;
import luki.http1.HeadLimits;
import luki.http1.PreparedRequest;
import luki.http1.TimedBody;

/** Short ways to call a scripted service. */
final class Calls {
  static final String OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
  static final String UNFINISHED = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi";
  static final WireSettings SETTINGS = settings(Duration.ofSeconds(1), Duration.ofSeconds(10));

  private static final byte[] NONE = {};

  private Calls() {}

  static WireSettings settings(Duration connect, Duration silence) {
    return new WireSettings(
        connect,
        64,
        8,
        Duration.ofMillis(500),
        silence,
        Duration.ofMillis(100),
        new HeadLimits(8 * 1024, 64 * 1024, 200));
  }

  static PreparedRequest.Origin origin(RawUpstream service) {
    return origin("127.0.0.1", service.port());
  }

  static PreparedRequest.Origin origin(String host, int port) {
    return new PreparedRequest.Origin(false, host, port);
  }

  /** A request of the JDK's interface. */
  static HttpRequest.Builder to(RawUpstream service) {
    return HttpRequest.newBuilder(URI.create(service.url() + "/"));
  }

  static PreparedRequest get(PreparedRequest.Origin origin, Duration limit) {
    return new PreparedRequest(origin, "GET", "/", Fields.NONE, NONE, after(limit));
  }

  static PreparedRequest get(RawUpstream service) {
    return get(origin(service), Duration.ofSeconds(5));
  }

  static PreparedRequest post(RawUpstream service, String body) {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    long by = after(Duration.ofSeconds(5));
    return new PreparedRequest(origin(service), "POST", "/", Fields.NONE, bytes, by);
  }

  static long after(Duration limit) {
    return System.nanoTime() + limit.toNanos();
  }

  /** Sends; the body has the same deadline as the head. */
  static HttpResponse<InputStream> send(HttpClient client, PreparedRequest request)
      throws IOException, InterruptedException {
    return client.send(request, new TimedBody(request.headBy()));
  }

  /** Calls and reads the reply to its end. */
  static String body(HttpClient client, RawUpstream service)
      throws IOException, InterruptedException {
    return body(client, get(service));
  }

  static String body(HttpClient client, PreparedRequest request)
      throws IOException, InterruptedException {
    HttpResponse<InputStream> reply = send(client, request);
    try (InputStream body = reply.body()) {
      return reply.statusCode() + " " + new String(body.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
