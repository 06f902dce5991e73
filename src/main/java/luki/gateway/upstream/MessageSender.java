package luki.gateway.upstream;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import luki.http1.Fields;
import luki.http1.RawClient;

/** Posts messages to one configured address; no redirect is followed, the reply is not kept. */
public final class MessageSender implements AutoCloseable {
  private static final Duration CONNECT = Duration.ofSeconds(5);
  private static final Duration MAX_TIME = Duration.ofSeconds(15);
  private static final int MAX_BYTES = 64 * 1024;

  private final RawClient.Origin origin;
  private final String target;
  private final Engines.Engine engine;

  public MessageSender(URI address, Engines engines) {
    String path = address.getRawPath().isEmpty() ? "/" : address.getRawPath();
    this.origin = OutgoingRequests.originOf(address);
    this.target = path;
    this.engine = engines.engine(CONNECT);
  }

  /** The status of the answer; 0 when there was none. */
  public int post(Map<String, String> headers, byte[] body) throws InterruptedException {
    Fields.Builder fields = new Fields.Builder();
    new TreeMap<>(headers).forEach(fields::add);
    long end = System.nanoTime() + MAX_TIME.toNanos();
    RawClient.Limits limits = new RawClient.Limits(CONNECT.toNanos(), end, end, false);
    RawClient.Request request = new RawClient.Request("POST", target, fields.build(), body);
    try (RawClient.Reply reply = engine.client().call(origin, request, limits)) {
      int status = reply.status();
      drain(reply);
      return status;
    } catch (IOException failed) {
      return 0;
    }
  }

  /** Whatever stands in the body, the status has decided. */
  private static void drain(RawClient.Reply reply) {
    try {
      ReplyBytes.of(reply, MAX_BYTES);
    } catch (IOException tooMuch) {
      // The connection is dropped with the reply.
    }
  }

  @Override
  public void close() {
    engine.close().run();
  }
}
