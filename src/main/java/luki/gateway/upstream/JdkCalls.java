package luki.gateway.upstream;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import luki.http1.BlockInput;
import luki.http1.Fields;
import luki.http1.RawClient;
import org.jspecify.annotations.Nullable;

/**
 * The JDK's own client as a {@link RawClient}. Its timeout ends at the head, so the body's limit is
 * kept here.
 */
final class JdkCalls implements RawClient, AutoCloseable {
  private static final long LEAST_NANOS = 1_000_000;

  private final ScheduledExecutorService timer;
  private final Duration connect;
  private final HttpClient http;

  JdkCalls(Duration connect, ScheduledExecutorService timer) {
    this.connect = connect;
    this.timer = timer;
    this.http = engine();
  }

  /** HTTP/1.1 only: an h2c offer makes some of the services drop the body of a POST. */
  private HttpClient engine() {
    return HttpClient.newBuilder()
        .version(HttpClient.Version.HTTP_1_1)
        .followRedirects(HttpClient.Redirect.NEVER)
        .proxy(HttpClient.Builder.NO_PROXY)
        .connectTimeout(connect)
        .executor(Executors.newVirtualThreadPerTaskExecutor())
        .build();
  }

  @Override
  public Reply call(Origin origin, Request request, Limits limits)
      throws IOException, InterruptedException {
    HttpClient own = limits.fresh() ? engine() : null;
    boolean done = false;
    try {
      HttpResponse<InputStream> response =
          (own == null ? http : own)
              .send(jdkRequest(origin, request, limits), HttpResponse.BodyHandlers.ofInputStream());
      Reply reply = new JdkReply(response, limits.end(), own);
      done = true;
      return reply;
    } finally {
      if (!done && own != null) {
        own.shutdownNow();
      }
    }
  }

  private static HttpRequest jdkRequest(Origin origin, Request request, Limits limits) {
    String scheme = origin.tls() ? "https://" : "http://";
    HttpRequest.Builder made =
        HttpRequest.newBuilder(
                URI.create(scheme + origin.host() + ":" + origin.port() + request.target()))
            .method(
                request.method(),
                request.body().length == 0
                    ? HttpRequest.BodyPublishers.noBody()
                    : HttpRequest.BodyPublishers.ofByteArray(request.body()));
    request.fields().forEach(made::header);
    if (limits.head() != NEVER) {
      // The client refuses a timeout of nothing; one that has run out ends at once all the same.
      long left = Math.max(LEAST_NANOS, limits.head() - System.nanoTime());
      made.timeout(Duration.ofNanos(left));
    }
    return made.build();
  }

  @Override
  public void close() {
    http.shutdownNow();
  }

  private final class JdkReply implements Reply {
    private final HttpResponse<InputStream> response;
    private final @Nullable HttpClient own;
    private final @Nullable ScheduledFuture<?> expiry;
    private final AtomicBoolean expired = new AtomicBoolean();

    JdkReply(HttpResponse<InputStream> response, long end, @Nullable HttpClient own) {
      this.response = response;
      this.own = own;
      this.expiry =
          end == NEVER
              ? null
              : timer.schedule(this::expire, end - System.nanoTime(), TimeUnit.NANOSECONDS);
    }

    private void expire() {
      expired.set(true);
      // Off the timer's thread: closing may wait for the engine.
      Thread.ofVirtual().start(this::closeBody);
    }

    private void closeBody() {
      try {
        response.body().close();
      } catch (IOException _) {
        // It is over in any case.
      }
    }

    @Override
    public int status() {
      return response.statusCode();
    }

    @Override
    public Fields fields() {
      Fields.Builder fields = new Fields.Builder();
      for (Map.Entry<String, List<String>> line : response.headers().map().entrySet()) {
        line.getValue().forEach(value -> fields.add(line.getKey(), value));
      }
      return fields.build();
    }

    @Override
    public InputStream body() {
      return new BlockInput() {

        @Override
        public int read(byte[] into, int offset, int length) throws IOException {
          try {
            int n = response.body().read(into, offset, length);
            if (n < 0 && expired.get()) {
              throw new IOException("closed");
            }
            return n;
          } catch (IOException failure) {
            if (expired.get()) {
              throw new HttpTimeoutException("reply not complete in time");
            }
            throw failure;
          }
        }
      };
    }

    @Override
    public void close() {
      if (expiry != null) {
        expiry.cancel(false);
      }
      closeBody();
      if (own != null) {
        own.shutdownNow();
      }
    }
  }
}
