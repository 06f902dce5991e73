package luki.bench;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.time.Duration;
import luki.edge.EdgeServer;
import luki.edge.UsualLimits;
import luki.http1.ByteBudget;
import luki.http1.EngineExchange;
import luki.http1.Fields;
import luki.http1.PreparedRequest;
import luki.http1.Refusals;
import luki.http1.TimedBody;
import luki.wire.WireClient;
import luki.wire.WireSettings;

/**
 * Both engines and nothing between them: what a request costs before the gateway does anything for
 * it. No more than the floor under the other figures: it forwards every request, as JSON.
 */
public final class BareEngines {
  private static final TimedBody STREAM = new TimedBody(PreparedRequest.NEVER);
  private static final Fields JSON = Fields.of("Content-Type", "application/json");

  private final HttpClient client =
      new WireClient(WireSettings.usual(Duration.ofSeconds(1), Duration.ofMinutes(2)));
  private final PreparedRequest.Origin origin;

  private BareEngines(int origin) {
    this.origin = new PreparedRequest.Origin(false, "127.0.0.1", origin);
  }

  /** Arguments: the port to listen on, and the origin's. */
  public static void main(String[] ports) throws IOException {
    BareEngines engines = new BareEngines(Integer.parseInt(ports[1]));
    HttpServer server =
        new EdgeServer(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(ports[0])),
            4096,
            UsualLimits.edge(),
            engines::forward,
            Refusals.BARE,
            new ByteBudget(Long.MAX_VALUE));
    server.start();
  }

  private void forward(HttpExchange exchange) throws IOException {
    byte[] body = exchange.getRequestBody().readAllBytes();
    PreparedRequest request =
        new PreparedRequest(
            origin,
            exchange.getRequestMethod(),
            EngineExchange.of(exchange).target(),
            JSON,
            body,
            PreparedRequest.NEVER);
    try {
      HttpResponse<InputStream> reply = client.send(request, STREAM);
      byte[] answer = reply.body().readAllBytes();
      EngineExchange.of(exchange).sendHead(reply.statusCode(), JSON, answer.length);
      exchange.getResponseBody().write(answer);
    } catch (InterruptedException stopping) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException();
    }
  }
}
