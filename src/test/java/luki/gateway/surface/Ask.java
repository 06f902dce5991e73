package luki.gateway.surface;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import luki.gateway.http.PercentCoding;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.RawHttpClient;
import luki.gateway.testing.TestGateway;
import luki.http1.Fields;

/** A request to send, as exact bytes. Immutable: each change returns a new one. */
final class Ask {
  /** How the body is framed; without a body no framing field is sent. */
  enum Framing {
    LENGTH,
    CHUNKED,
    /** A Content-Length is sent, and no body. */
    ANNOUNCED
  }

  /** A query parameter or a header line. */
  record Field(String name, String value) {}

  private final String method;
  private final String template;
  private final Map<String, String> path;
  private final List<Field> query;
  private final List<Field> headers;
  private final byte[] body;
  private final Framing framing;

  private Ask(
      String method,
      String template,
      Map<String, String> path,
      List<Field> query,
      List<Field> headers,
      byte[] body,
      Framing framing) {
    this.method = method;
    this.template = template;
    this.path = Map.copyOf(path);
    this.query = List.copyOf(query);
    this.headers = List.copyOf(headers);
    this.body = body;
    this.framing = framing;
  }

  static Ask of(String method, String template) {
    return new Ask(method, template, Map.of(), List.of(), List.of(), new byte[0], Framing.LENGTH);
  }

  String method() {
    return method;
  }

  Ask method(String other) {
    return new Ask(other, template, path, query, headers, body, framing);
  }

  Ask template(String other) {
    return new Ask(method, other, path, query, headers, body, framing);
  }

  String template() {
    return template;
  }

  Ask path(String name, String value) {
    Map<String, String> more = new TreeMap<>(path);
    more.put(name, value);
    return new Ask(method, template, more, query, headers, body, framing);
  }

  /** Adds a parameter, also when there is one of that name. */
  Ask query(String name, String value) {
    List<Field> more = new ArrayList<>(query);
    more.add(new Field(name, value));
    return new Ask(method, template, path, more, headers, body, framing);
  }

  Ask withoutQuery(String name) {
    List<Field> fewer = query.stream().filter(field -> !field.name().equals(name)).toList();
    return new Ask(method, template, path, fewer, headers, body, framing);
  }

  /** Adds a header line, also when there is one of that name. */
  Ask header(String name, String value) {
    List<Field> more = new ArrayList<>(headers);
    more.add(new Field(name, value));
    return new Ask(method, template, path, query, more, body, framing);
  }

  Ask withoutHeader(String name) {
    List<Field> fewer =
        headers.stream().filter(field -> !field.name().equalsIgnoreCase(name)).toList();
    return new Ask(method, template, path, query, fewer, body, framing);
  }

  Ask body(byte[] bytes) {
    return new Ask(method, template, path, query, headers, bytes.clone(), framing);
  }

  Fields headers() {
    Fields.Builder lines = new Fields.Builder();
    headers.forEach(line -> lines.add(line.name(), line.value()));
    return lines.build();
  }

  byte[] body() {
    return body.clone();
  }

  Ask body(String text) {
    return body(text.getBytes(StandardCharsets.UTF_8));
  }

  Ask framing(Framing other) {
    return new Ask(method, template, path, query, headers, body, other);
  }

  String target() {
    String target = template;
    for (Map.Entry<String, String> value : path.entrySet()) {
      target = target.replace("{" + value.getKey() + "}", PercentCoding.encode(value.getValue()));
    }
    StringBuilder whole = new StringBuilder(target);
    for (int i = 0; i < query.size(); i++) {
      whole
          .append(i == 0 ? '?' : '&')
          .append(PercentCoding.encode(query.get(i).name()))
          .append('=')
          .append(PercentCoding.encode(query.get(i).value()));
    }
    return whole.toString();
  }

  byte[] bytes() {
    StringBuilder head = new StringBuilder();
    head.append(method).append(' ').append(target()).append(" HTTP/1.1\r\n");
    head.append("Host: gateway.test\r\nConnection: close\r\n");
    headers.forEach(line -> head.append(line.name() + ": " + line.value() + "\r\n"));
    if (framing == Framing.CHUNKED) {
      head.append("Transfer-Encoding: chunked\r\n");
    } else if (body.length > 0) {
      head.append("Content-Length: ").append(body.length).append("\r\n");
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(head.append("\r\n").toString().getBytes(StandardCharsets.UTF_8));
    switch (framing) {
      case LENGTH -> out.writeBytes(body);
      case CHUNKED -> chunks(out);
      case ANNOUNCED -> {}
    }
    return out.toByteArray();
  }

  /** Sends it on a new connection and reads one reply. */
  HttpReply sendTo(TestGateway gateway) {
    return RawHttpClient.exchange(gateway.port(), bytes());
  }

  private void chunks(ByteArrayOutputStream out) {
    int size = 4096;
    for (int from = 0; from < body.length; from += size) {
      int length = Math.min(size, body.length - from);
      out.writeBytes((Integer.toHexString(length) + "\r\n").getBytes(StandardCharsets.US_ASCII));
      out.write(body, from, length);
      out.writeBytes("\r\n".getBytes(StandardCharsets.US_ASCII));
    }
    out.writeBytes("0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
  }
}
