package luki.gateway.upstream;

import java.io.IOException;
import java.io.InputStream;
import luki.gateway.http.Body;
import luki.gateway.http.Method;
import luki.gateway.http.PercentCoding;
import luki.gateway.json.Json;
import luki.http1.BlockInput;
import luki.http1.ByteBudget;
import luki.http1.Fields;
import org.jspecify.annotations.Nullable;

/**
 * A call to a service, before the gateway adds what goes with every call.
 *
 * @param path encoded, with its query
 * @param body what it carries, never a stream
 * @param idempotent doing it twice is as good as once
 * @param namesResource the caller named what a 404 would be about
 * @param extra fields beside those that every call has
 * @param list the list of its reply that may be long
 */
public record Call(
    Method method,
    ServicePath path,
    Body body,
    boolean idempotent,
    boolean namesResource,
    Fields extra,
    @Nullable LongList list) {

  public static Call get(ServicePath path) {
    return bare(Method.GET, path, true);
  }

  public static Call delete(ServicePath path) {
    return bare(Method.DELETE, path, true);
  }

  public static Call post(ServicePath path, Json body) {
    return bytes(Method.POST, path, body.bytes());
  }

  /** One that has no body; of a POST that is {@code Content-Length: 0}. */
  public static Call bare(Method method, ServicePath path, boolean idempotent) {
    return new Call(method, path, Body.EMPTY, idempotent, false, Fields.NONE, null);
  }

  public static Call bytes(Method method, ServicePath path, byte[] json) {
    return new Call(method, path, Body.of(json), false, false, Fields.NONE, null);
  }

  public Call asIdempotent() {
    return new Call(method, path, body, true, namesResource, extra, list);
  }

  public Call ofNamedResource() {
    return new Call(method, path, body, idempotent, true, extra, list);
  }

  public Call with(String header, String value) {
    return new Call(method, path, body, idempotent, namesResource, extra.with(header, value), list);
  }

  public Call with(LongList longList) {
    return new Call(method, path, body, idempotent, namesResource, extra, longList);
  }

  /** Reads the body of a reply, with memory for it and for what is made of it. */
  byte[] read(InputStream reply, int status, ByteBudget.Lease memory, int maxBytes)
      throws IOException {
    byte[] bytes;
    if (list != null && Failures.isSuccess(status)) {
      bytes = list.read(reply, memory);
    } else {
      long length = BlockInput.remainingOf(reply);
      if (length > 0) {
        // Refused now rather than after it was read: at least itself, and what is made of it.
        checkLength(length, maxBytes);
        memory.check(4 * length);
      }
      bytes = memory.read(reply, maxBytes + 1);
    }
    checkLength(bytes.length, maxBytes);
    memory.take(Reply.memoryToUse(bytes));
    return bytes;
  }

  private static void checkLength(long length, int maxBytes) throws Failures.UnusableReply {
    if (length > maxBytes) {
      throw new Failures.UnusableReply("too long");
    }
  }

  /**
   * A path and query for a service in which every part that is not ours is encoded.
   *
   * @param text at first a path that the code itself knows
   */
  public record ServicePath(String text) {
    /** A step that was made from a value. */
    public ServicePath segment(String value) {
      return new ServicePath(text + "/" + PercentCoding.encode(value));
    }

    /** A step that the code itself knows. */
    public ServicePath then(String literal) {
      return new ServicePath(text + literal);
    }

    public ServicePath query(String name, String value) {
      String separator = text.indexOf('?') < 0 ? "?" : "&";
      return new ServicePath(
          text + separator + PercentCoding.encode(name) + "=" + PercentCoding.encode(value));
    }
  }
}
