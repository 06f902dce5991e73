package luki.gateway.server;

import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import luki.http1.Refusals;

/** Makes the server that listens. */
@FunctionalInterface
public interface ServerEngine {
  /**
   * Binds it; it takes requests once it is started.
   *
   * @param handler for every path
   * @param refusals for messages that the engine refuses
   * @throws IOException the address is taken or not this machine's
   */
  HttpServer bind(InetSocketAddress address, int backlog, HttpHandler handler, Refusals refusals)
      throws IOException;
}
