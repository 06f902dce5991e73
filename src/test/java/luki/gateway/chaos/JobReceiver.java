package luki.gateway.chaos;

import static luki.gateway.standin.RawUpstream.header;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.standin.RawUpstream;

/** Receives the results of jobs, and refuses each seventh once. */
final class JobReceiver implements AutoCloseable {
  private static final int REFUSED = 7;

  private final Map<String, Result> results = new HashMap<>();
  private final Set<String> repeated = new HashSet<>();
  private final RawUpstream server =
      RawUpstream.serving(
          (connection, request) -> {
            String status = isTaken(request) ? "204 No Content" : "503 Later";
            connection.send("HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n\r\n");
          });

  /**
   * The last message of a job.
   *
   * @param at when the first one came, as {@link System#nanoTime} gives it
   */
  record Result(Json data, long at, boolean taken) {}

  private synchronized boolean isTaken(String request) throws InvalidJson {
    String job = header(request, "webhook-id");
    Json message =
        Json.parse(
            request.substring(request.indexOf("\r\n\r\n") + 4).getBytes(StandardCharsets.UTF_8));
    Result known = results.get(job);
    if (known != null && known.taken) {
      repeated.add(job);
    }
    boolean taken = known != null || (results.size() + 1) % REFUSED != 0;
    long at = known == null ? System.nanoTime() : known.at;
    results.put(job, new Result(message.at("data"), at, taken));
    return taken;
  }

  String url() {
    return server.url() + "/results";
  }

  /** By the ids of their jobs. */
  synchronized Map<String, Result> results() {
    return Map.copyOf(results);
  }

  /** Jobs whose results were sent again after they were taken. */
  synchronized Set<String> repeated() {
    return Set.copyOf(repeated);
  }

  @Override
  public void close() {
    server.close();
  }
}
