package luki.gateway.upstream;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Optional;
import luki.gateway.upstream.Upstreams.HttpClients;
import luki.http1.Fields;
import luki.http1.PreparedRequest;
import luki.http1.TimedBody;
import org.jspecify.annotations.Nullable;

/** Calls to one configured address that is not a service; no redirect is followed. */
public final class ExternalCall {
  private static final int MAX_BYTES = 1 << 20;
  private static final int MAX_SKIPPED_BYTES = 64 << 10;
  private static final byte[] NONE = {};

  private final HttpClient http;
  private final PreparedRequest.Origin origin;
  private final String target;
  private final Duration timeout;

  /** The timeout is that of a whole call; connecting may take a third of it. */
  public ExternalCall(URI address, HttpClients clients, Duration timeout) {
    this.http = clients.client(timeout.dividedBy(3), timeout);
    this.origin = PreparedRequest.Origin.of(address);
    this.target = PreparedRequest.targetOf(address);
    this.timeout = timeout;
  }

  /** The body of a reply with status 200 and at most 1 MB; empty in every other case. */
  public Optional<byte[]> get() throws InterruptedException {
    HttpResponse<InputStream> reply = send("GET", Fields.of("Accept", "application/json"), NONE);
    if (reply == null) {
      return Optional.empty();
    }
    try (InputStream body = reply.body()) {
      byte[] bytes = reply.statusCode() == 200 ? body.readNBytes(MAX_BYTES + 1) : NONE;
      return reply.statusCode() == 200 && bytes.length <= MAX_BYTES
          ? Optional.of(bytes)
          : Optional.empty();
    } catch (IOException failed) {
      return Optional.empty();
    }
  }

  /** The status of the reply, whatever its body is; 0 without a reply. */
  public int post(Fields headers, byte[] content) throws InterruptedException {
    HttpResponse<InputStream> reply = send("POST", headers, content);
    if (reply == null) {
      return 0;
    }
    try (InputStream body = reply.body()) {
      // To its end if that is near, so that the connection can be used again; nothing is kept.
      long _ = body.skip(MAX_SKIPPED_BYTES);
    } catch (IOException failed) {
      // The status is known.
    }
    return reply.statusCode();
  }

  /** Closes the client: only for a call that does not share it. */
  public void end() {
    http.shutdownNow();
  }

  private @Nullable HttpResponse<InputStream> send(String method, Fields fields, byte[] content)
      throws InterruptedException {
    long by = System.nanoTime() + timeout.toNanos();
    try {
      return http.send(
          new PreparedRequest(origin, method, target, fields, content, by), new TimedBody(by));
    } catch (IOException failed) {
      return null;
    }
  }
}
