package luki.gateway.upstream;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import luki.http1.Fields;
import luki.http1.RawClient;

/**
 * Gets one document from one configured address: 5 s and 1 MB at most, no redirect followed, no
 * other answer than 200 taken.
 */
public final class DocumentFetcher implements AutoCloseable {
  private static final Duration MAX_TIME = Duration.ofSeconds(5);
  private static final int MAX_BYTES = 1 << 20;

  private static final Duration CONNECT = Duration.ofSeconds(2);

  private final RawClient.Origin origin;
  private final RawClient.Request request;
  private final Engines.Engine engine;

  public DocumentFetcher(URI address, Engines engines) {
    String path = address.getRawPath().isEmpty() ? "/" : address.getRawPath();
    this.origin = OutgoingRequests.originOf(address);
    this.request =
        new RawClient.Request("GET", path, Fields.of("Accept", "application/json"), new byte[0]);
    this.engine = engines.engine(CONNECT);
  }

  /** The bytes; empty for whatever else happens. */
  public Optional<byte[]> fetch() throws InterruptedException {
    long end = System.nanoTime() + MAX_TIME.toNanos();
    RawClient.Limits limits = new RawClient.Limits(CONNECT.toNanos(), end, end, false);
    try (RawClient.Reply reply = engine.client().call(origin, request, limits)) {
      return reply.status() == 200
          ? Optional.of(ReplyBytes.of(reply, MAX_BYTES))
          : Optional.empty();
    } catch (IOException failed) {
      return Optional.empty();
    }
  }

  @Override
  public void close() {
    engine.close().run();
  }
}
