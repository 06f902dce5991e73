package luki.gateway.surface;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import luki.gateway.contract.PublishedReplies;
import luki.gateway.http.Body;
import luki.gateway.http.PercentCoding;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.RawHttpClient;
import luki.gateway.testing.TestGateway;
import luki.http1.Fields;

/**
 * A request to send, as exact bytes. Immutable: each change returns a new one.
 *
 * @param octets the body, each byte as one character
 */
record Ask(
    String method,
    String template,
    Map<String, String> path,
    List<Field> query,
    List<Field> headers,
    String octets,
    Framing framing) {
  private static final int CHUNK = 4096;
  private static final PublishedReplies PUBLISHED =
      new PublishedReplies(ContractOperation.published());

  /** How the body is framed; without a body no framing field is sent. */
  enum Framing {
    LENGTH,
    CHUNKED,
    /** A Content-Length is sent, and no body. */
    ANNOUNCED
  }

  /** A query parameter or a header line. */
  record Field(String name, String value) {}

  static Ask of(String method, String template) {
    return new Ask(method, template, Map.of(), List.of(), List.of(), "", Framing.LENGTH);
  }

  Ask method(String other) {
    return new Ask(other, template, path, query, headers, octets, framing);
  }

  Ask template(String other) {
    return new Ask(method, other, path, query, headers, octets, framing);
  }

  Ask path(String name, String value) {
    Map<String, String> more = new TreeMap<>(path);
    more.put(name, value);
    return new Ask(method, template, more, query, headers, octets, framing);
  }

  /** Adds a parameter, also when there is one of that name. */
  Ask query(String name, String value) {
    return queries(plus(query, name, value));
  }

  Ask withoutQuery(String name) {
    return queries(minus(query, field -> field.name().equals(name)));
  }

  private Ask queries(List<Field> other) {
    return new Ask(method, template, path, other, headers, octets, framing);
  }

  /** Adds a header line, also when there is one of that name. */
  Ask header(String name, String value) {
    return lines(plus(headers, name, value));
  }

  Ask withoutHeader(String name) {
    return lines(minus(headers, field -> field.name().equalsIgnoreCase(name)));
  }

  private Ask lines(List<Field> other) {
    return new Ask(method, template, path, query, other, octets, framing);
  }

  private static List<Field> plus(List<Field> fields, String name, String value) {
    return Stream.concat(fields.stream(), Stream.of(new Field(name, value))).toList();
  }

  private static List<Field> minus(List<Field> fields, Predicate<Field> which) {
    return fields.stream().filter(which.negate()).toList();
  }

  /** With a credential. */
  Ask as(String key) {
    return header("Authorization", "Bearer " + key);
  }

  /** With the value of a parameter in its place. */
  Ask with(ContractOperation.Parameter parameter, String value) {
    return switch (parameter.in()) {
      case "path" -> path(parameter.name(), value);
      case "query" -> query(parameter.name(), value);
      default -> header(parameter.name(), value);
    };
  }

  Ask body(byte[] bytes) {
    String other = new String(bytes, ISO_8859_1);
    return new Ask(method, template, path, query, headers, other, framing);
  }

  Ask body(String text) {
    return body(text.getBytes(UTF_8));
  }

  Ask json(String text) {
    return header("Content-Type", "application/json").body(text);
  }

  byte[] body() {
    return octets.getBytes(ISO_8859_1);
  }

  Ask framing(Framing other) {
    return new Ask(method, template, path, query, headers, octets, other);
  }

  Fields fields() {
    Fields.Builder lines = new Fields.Builder();
    headers.forEach(line -> lines.add(line.name(), line.value()));
    return lines.build();
  }

  String target() {
    String target = template;
    for (Map.Entry<String, String> value : path.entrySet()) {
      target = target.replace("{" + value.getKey() + "}", PercentCoding.encode(value.getValue()));
    }
    String parameters =
        query.stream()
            .map(q -> PercentCoding.encode(q.name()) + "=" + PercentCoding.encode(q.value()))
            .collect(Collectors.joining("&"));
    return query.isEmpty() ? target : target + "?" + parameters;
  }

  byte[] bytes() {
    StringBuilder head = new StringBuilder(method + " " + target() + " HTTP/1.1\r\n");
    head.append("Host: gateway.test\r\nConnection: close\r\n");
    headers.forEach(line -> head.append(line.name() + ": " + line.value() + "\r\n"));
    if (framing == Framing.CHUNKED) {
      head.append("Transfer-Encoding: chunked\r\n");
    } else if (!octets.isEmpty()) {
      head.append("Content-Length: ").append(octets.length()).append("\r\n");
    }
    String sent =
        switch (framing) {
          case LENGTH -> octets;
          case CHUNKED -> chunks();
          case ANNOUNCED -> "";
        };
    String asOctets = new String(head.append("\r\n").toString().getBytes(UTF_8), ISO_8859_1);
    return (asOctets + sent).getBytes(ISO_8859_1);
  }

  private String chunks() {
    StringBuilder chunks = new StringBuilder();
    for (int from = 0; from < octets.length(); from += CHUNK) {
      String chunk = octets.substring(from, Math.min(octets.length(), from + CHUNK));
      chunks.append(Integer.toHexString(chunk.length())).append("\r\n").append(chunk + "\r\n");
    }
    return chunks.append("0\r\n\r\n").toString();
  }

  /** Sends it on a new connection and reads one reply. */
  HttpReply sendUnchecked(TestGateway gateway) {
    return RawHttpClient.exchange(gateway.port(), bytes());
  }

  /** As {@link #sendUnchecked}; the reply must be one of the document's. */
  HttpReply sendTo(TestGateway gateway) {
    HttpReply reply = sendUnchecked(gateway);
    checkDeclared(reply);
    Exchanges.add(this, reply);
    return reply;
  }

  /** No status, media type, member, error code or header may leave that the document lacks. */
  private void checkDeclared(HttpReply reply) {
    // Names of methods are case-sensitive.
    if (!method.equals(method.toUpperCase(Locale.ROOT))) {
      return;
    }
    Fields.Builder headers = new Fields.Builder();
    reply.headers().forEach((name, values) -> values.forEach(value -> headers.add(name, value)));
    byte[] body = reply.body().getBytes(UTF_8);
    PublishedReplies.Undeclared found =
        PUBLISHED.in(method, template, reply.status(), headers.build(), Body.of(body));
    if (found != null) {
      throw new AssertionError(
          "not in the published document: %s of %s %s: %s"
              .formatted(found, method, template, reply));
    }
  }
}
