package luki.gateway.upstream;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import luki.gateway.http.Deadline;

/**
 * Gets one document from one configured address: 5 s and 1 MB at most, no redirect followed, no
 * other answer than 200 taken.
 */
public final class DocumentFetcher implements AutoCloseable {
  private static final Duration MOST_TIME = Duration.ofSeconds(5);
  private static final int MOST_BYTES = 1 << 20;

  private final URI address;
  private final ScheduledExecutorService timer;
  private final HttpClient http =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .followRedirects(HttpClient.Redirect.NEVER)
          .proxy(HttpClient.Builder.NO_PROXY)
          .connectTimeout(Duration.ofSeconds(2))
          .executor(Executors.newVirtualThreadPerTaskExecutor())
          .build();

  public DocumentFetcher(URI address, ScheduledExecutorService timer) {
    this.address = address;
    this.timer = timer;
  }

  /** The bytes; empty for whatever else happens. */
  public Optional<byte[]> fetch() throws InterruptedException {
    Deadline deadline = Deadline.after(MOST_TIME);
    HttpRequest request =
        HttpRequest.newBuilder(address)
            .timeout(MOST_TIME)
            .setHeader("Accept", "application/json")
            .build();
    try {
      HttpResponse<byte[]> response =
          http.send(request, ReplyBody.handler(MOST_BYTES, deadline, timer));
      return response.statusCode() == 200 ? Optional.of(response.body()) : Optional.empty();
    } catch (IOException failed) {
      return Optional.empty();
    }
  }

  @Override
  public void close() {
    http.shutdownNow();
  }
}
