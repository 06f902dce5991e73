package luki.bench;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import luki.edge.EdgeLimits;
import luki.edge.EdgeProvider;
import luki.http1.EngineExchange;
import luki.http1.FieldHeaders;
import luki.http1.Fields;
import luki.http1.RawClient;
import luki.http1.Refusals;
import luki.wire.WireClient;
import luki.wire.WireSettings;

/**
 * Both engines and nothing between them: what a request costs before the gateway does anything for
 * it. No more than the floor under the other figures; it forwards whatever comes.
 */
public final class BareEngines {
  private static final long CONNECT_NANOS = 1_000_000_000L;

  private final RawClient client = new WireClient(WireSettings.usual());
  private final RawClient.Origin origin;

  private BareEngines(int origin) {
    this.origin = new RawClient.Origin(false, "127.0.0.1", origin);
  }

  /** Arguments: the port to listen on, and the origin's. */
  public static void main(String[] ports) throws IOException {
    BareEngines engines = new BareEngines(Integer.parseInt(ports[1]));
    HttpServer server =
        new EdgeProvider(EdgeLimits.usual(), Refusals.BARE)
            .createHttpServer(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(ports[0])),
                4096);
    server.createContext("/", engines::forward);
    server.start();
  }

  private void forward(HttpExchange exchange) throws IOException {
    byte[] body = exchange.getRequestBody().readAllBytes();
    RawClient.Request request =
        new RawClient.Request(
            exchange.getRequestMethod(),
            EngineExchange.of(exchange).target(),
            type(FieldHeaders.of(exchange.getRequestHeaders())),
            body);
    RawClient.Limits limits =
        new RawClient.Limits(CONNECT_NANOS, RawClient.NEVER, RawClient.NEVER, false);
    try (RawClient.Reply reply = client.call(origin, request, limits)) {
      byte[] answer = reply.body().readAllBytes();
      FieldHeaders.fill(exchange.getResponseHeaders(), type(reply.fields()));
      exchange.sendResponseHeaders(reply.status(), answer.length);
      exchange.getResponseBody().write(answer);
    } catch (InterruptedException stopping) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException();
    }
  }

  private static Fields type(Fields fields) {
    String type = fields.first("Content-Type");
    Fields.Builder only = new Fields.Builder();
    if (type != null) {
      only.add("Content-Type", type);
    }
    return only.build();
  }
}
