package luki.wire;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Optional;
import javax.net.ssl.SSLSession;
import luki.http1.ResponseParser.ResponseHead;
import org.jspecify.annotations.Nullable;

/** A reply; the objects of the JDK's interface are made when they are asked for. */
record WireReply<T>(HttpRequest request, ResponseHead head, @Nullable SSLSession session, T body)
    implements HttpResponse<T>, HttpResponse.ResponseInfo {

  <U> WireReply<U> with(U other) {
    return new WireReply<>(request, head, session, other);
  }

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

  @Override
  public Optional<SSLSession> sslSession() {
    return Optional.ofNullable(session);
  }

  @Override
  public Optional<HttpResponse<T>> previousResponse() {
    return Optional.empty();
  }
}
