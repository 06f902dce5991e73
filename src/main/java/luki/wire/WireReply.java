package luki.wire;

import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Optional;
import javax.net.ssl.SSLSession;
import luki.http1.ResponseParser.ResponseHead;

/** A reply; the objects of the JDK's interface are made when they are asked for. */
record WireReply(HttpRequest request, ResponseHead head, InputStream body)
    implements HttpResponse<InputStream> {

  @Override
  public int statusCode() {
    return head.status();
  }

  @Override
  public HttpHeaders headers() {
    return head.fields().toHttpHeaders();
  }

  @Override
  public URI uri() {
    return request.uri();
  }

  @Override
  public HttpClient.Version version() {
    return HttpClient.Version.HTTP_1_1;
  }

  /** Not kept: the gateway does not ask for it. */
  @Override
  public Optional<SSLSession> sslSession() {
    return Optional.empty();
  }

  @Override
  public Optional<HttpResponse<InputStream>> previousResponse() {
    return Optional.empty();
  }
}
