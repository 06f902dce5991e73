package luki.gateway.server;

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
   * @param refusals asked by an engine that knows of them about messages that it does not take
   * @throws IOException the address is taken or not this machine's
   */
  HttpServer bind(InetSocketAddress address, int backlog, Refusals refusals) throws IOException;
}
