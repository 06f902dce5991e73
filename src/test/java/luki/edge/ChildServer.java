package luki.edge;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import luki.http1.Refusals;

/** A server of this engine in a process of its own: tells its port, and ends with its stdin. */
final class ChildServer {
  private ChildServer() {}

  /** Serves until its parent is gone. */
  public static void main(String[] arguments) throws IOException {
    HttpServer server =
        new EdgeProvider(EdgeLimits.usual(), Refusals.BARE)
            .createHttpServer(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", EdgeTestServer.echo());
    server.createContext("/hoard", ChildServer::hoard);
    server.start();
    byte[] port = (server.getAddress().getPort() + "\n").getBytes(StandardCharsets.US_ASCII);
    System.out.write(port);
    System.out.flush();
    int _ = System.in.read();
    System.exit(0);
  }

  private static void hoard(HttpExchange exchange) {
    Object[] kept = {};
    while (true) {
      kept = new Object[] {kept, new byte[1024 * 1024]};
    }
  }
}
