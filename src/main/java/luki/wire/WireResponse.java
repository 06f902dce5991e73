package luki.wire;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import javax.net.ssl.SSLSession;
import luki.http1.Fields;
import org.jspecify.annotations.Nullable;

/** A reply as the JDK's interface has it. */
record WireResponse<T>(
    HttpRequest request,
    int statusCode,
    HttpHeaders headers,
    T body,
    Optional<SSLSession> sslSession)
    implements HttpResponse<T> {

  /** What a body handler is told before there is a body. */
  record HeadInfo(int statusCode, HttpHeaders headers) implements HttpResponse.ResponseInfo {
    @Override
    public HttpClient.Version version() {
      return HttpClient.Version.HTTP_1_1;
    }
  }

  static HttpHeaders headersOf(Fields fields) {
    Map<String, List<String>> map = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    fields.forEach((name, value) -> map.computeIfAbsent(name, _ -> new ArrayList<>()).add(value));
    return HttpHeaders.of(map, (_, _) -> true);
  }

  static Optional<SSLSession> session(@Nullable SSLSession session) {
    return Optional.ofNullable(session);
  }

  @Override
  public Optional<HttpResponse<T>> previousResponse() {
    return Optional.empty();
  }

  @Override
  public URI uri() {
    return request.uri();
  }

  @Override
  public HttpClient.Version version() {
    return HttpClient.Version.HTTP_1_1;
  }
}
