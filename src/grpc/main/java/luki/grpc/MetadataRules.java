package luki.grpc;

import io.grpc.Metadata;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import luki.http1.Fields;
import org.jspecify.annotations.Nullable;

/**
 * Which metadata passes, by its names: only what the file lists. What names a caller, a credential
 * or a connection can not be listed.
 *
 * @param request of a client, to a service
 * @param reply of a service, to a client: both its headers and its trailers
 */
record MetadataRules(List<String> request, List<String> reply) {
  /** What the chain reads, as it is over HTTP. */
  private static final List<String> READ =
      List.of(
          "authorization",
          "x-api-key",
          "user-agent",
          "x-forwarded-for",
          "x-forwarded-proto",
          "x-request-id",
          "traceparent",
          "tracestate");

  private static final Set<String> NEVER =
      Set.of(
          "authorization",
          "baggage",
          "cookie",
          "set-cookie",
          "connection",
          "content-encoding",
          "content-length",
          "content-type",
          "forwarded",
          "host",
          "keep-alive",
          "proxy-authorization",
          "te",
          "trailer",
          "transfer-encoding",
          "traceparent",
          "tracestate",
          "upgrade",
          "user-agent",
          "via",
          "x-api-key",
          "x-error-code",
          "x-real-ip",
          "x-request-id",
          "x-scopes",
          "x-trace-id",
          "x-user-id");

  private static final List<String> NEVER_PREFIXES =
      List.of("grpc-", "x-internal-", "x-forwarded-", "x-user-", "x-auth-", "x-luki-");

  MetadataRules {
    request = List.copyOf(request);
    reply = List.copyOf(reply);
  }

  /** Whether metadata of that name may be listed. */
  static boolean mayPass(String name) {
    return name.matches("[a-z0-9_.-]{1,64}")
        && name.equals(name.toLowerCase(Locale.ROOT))
        && !NEVER.contains(name)
        && NEVER_PREFIXES.stream().noneMatch(name::startsWith);
  }

  /** The metadata that the steps of the chain read, as the fields of a request. */
  static Fields fields(Metadata headers) {
    Fields.Builder fields = new Fields.Builder();
    for (String name : READ) {
      Iterable<String> values = headers.getAll(text(name));
      if (values != null) {
        values.forEach(value -> fields.add(name, value));
      }
    }
    return fields.build();
  }

  /** Copies what the client may send to a service. */
  void toService(Metadata from, Metadata to) {
    copy(request, from, to);
  }

  /** What a service may send to a client. */
  Metadata toClient(@Nullable Metadata from) {
    Metadata passed = new Metadata();
    if (from != null) {
      copy(reply, from, passed);
    }
    return passed;
  }

  private static void copy(List<String> names, Metadata from, Metadata to) {
    for (String name : names) {
      if (name.endsWith(Metadata.BINARY_HEADER_SUFFIX)) {
        copy(Metadata.Key.of(name, Metadata.BINARY_BYTE_MARSHALLER), from, to);
      } else {
        copy(text(name), from, to);
      }
    }
  }

  private static <T> void copy(Metadata.Key<T> key, Metadata from, Metadata to) {
    Iterable<T> values = from.getAll(key);
    if (values != null) {
      values.forEach(value -> to.put(key, value));
    }
  }

  /** Adds fields of the gateway's own. */
  static void add(Fields fields, Metadata to) {
    fields.forEach((name, value) -> to.put(text(name), value));
  }

  static Metadata.Key<String> text(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }
}
