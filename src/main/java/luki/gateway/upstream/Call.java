package luki.gateway.upstream;

import java.net.http.HttpRequest;
import luki.gateway.http.Headers;
import luki.gateway.http.Method;
import luki.gateway.json.Json;

/**
 * A call to a service, before the gateway adds what goes with every call.
 *
 * @param path encoded, with its query
 * @param body null when the method carries none
 * @param repeatable doing it twice is as good as once
 * @param namesResource the caller named what a 404 would be about
 * @param extra fields beside those that every call has
 */
public record Call(
    Method method,
    ServicePath path,
    HttpRequest.BodyPublisher body,
    boolean hasBody,
    boolean repeatable,
    boolean namesResource,
    Headers extra) {

  public static Call get(ServicePath path) {
    return bare(Method.GET, path, true);
  }

  public static Call delete(ServicePath path) {
    return bare(Method.DELETE, path, true);
  }

  /** A POST that has no body: {@code Content-Length: 0}. */
  public static Call postNothing(ServicePath path) {
    return bare(Method.POST, path, false);
  }

  public static Call post(ServicePath path, Json body) {
    return bytes(Method.POST, path, body.bytes());
  }

  public static Call bare(Method method, ServicePath path, boolean repeatable) {
    return new Call(
        method, path, HttpRequest.BodyPublishers.noBody(), false, repeatable, false, Headers.NONE);
  }

  public static Call bytes(Method method, ServicePath path, byte[] json) {
    return new Call(
        method,
        path,
        HttpRequest.BodyPublishers.ofByteArray(json),
        true,
        false,
        false,
        Headers.NONE);
  }

  public Call mayRepeat() {
    return new Call(method, path, body, hasBody, true, namesResource, extra);
  }

  public Call ofNamedResource() {
    return new Call(method, path, body, hasBody, repeatable, true, extra);
  }

  public Call with(String header, String value) {
    return new Call(
        method, path, body, hasBody, repeatable, namesResource, extra.with(header, value));
  }
}
