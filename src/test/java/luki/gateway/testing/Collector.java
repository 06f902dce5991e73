package luki.gateway.testing;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.trace.v1.Span;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;

/** Receives traces by OTLP over HTTP, as a collector does. */
public final class Collector implements AutoCloseable {

  private final HttpServer server;
  private final List<byte[]> bodies = new CopyOnWriteArrayList<>();
  private final List<Span> spans = new CopyOnWriteArrayList<>();
  private final List<String> resources = new CopyOnWriteArrayList<>();
  private volatile Duration delay = Duration.ZERO;

  private Collector(HttpServer server) {
    this.server = server;
  }

  public static Collector start() {
    return start(0);
  }

  /** On that port. */
  public static Collector start(int port) {
    try {
      HttpServer server =
          HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
      Collector collector = new Collector(server);
      server.createContext("/v1/traces", collector::take);
      server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
      server.start();
      return collector;
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  private void take(HttpExchange exchange) throws IOException {
    byte[] body = exchange.getRequestBody().readAllBytes();
    bodies.add(body);
    var request = ExportTraceServiceRequest.parseFrom(body);
    request
        .getResourceSpansList()
        .forEach(
            resource -> {
              resources.add(resource.getResource().toString());
              resource.getScopeSpansList().forEach(scope -> spans.addAll(scope.getSpansList()));
            });
    try {
      Thread.sleep(delay);
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
    exchange.sendResponseHeaders(200, -1);
    exchange.close();
  }

  public String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  /** Delays each reply from now on. */
  public void delay(Duration time) {
    delay = time;
  }

  /** The requests as they were received. */
  public List<byte[]> bodies() {
    return List.copyOf(bodies);
  }

  public List<String> resources() {
    return List.copyOf(resources);
  }

  public List<Span> spans() {
    return List.copyOf(spans);
  }

  /** Waits for so many spans of a trace. */
  public List<Span> await(String traceId, int count) {
    return Waiting.until(() -> of(traceId), found -> found.size() >= count);
  }

  private List<Span> of(String traceId) {
    List<Span> found = new ArrayList<>();
    for (Span span : spans) {
      if (hex(span.getTraceId().toByteArray()).equals(traceId)) {
        found.add(span);
      }
    }
    return found;
  }

  public static String hex(byte[] id) {
    return HexFormat.of().formatHex(id);
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
