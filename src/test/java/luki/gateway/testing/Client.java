package luki.gateway.testing;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A caller of a gateway with a key, or without one.
 *
 * @param url of a server, without a path
 * @param key null: no credential
 */
public record Client(String url, String key) {
  private static final HttpClient HTTP =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  public Client(TestGateway gateway, String key) {
    this("http://127.0.0.1:" + gateway.port(), key);
  }

  public HttpReply get(String target, String... headers) {
    return send("GET", target, null, headers);
  }

  public HttpReply post(String target, String json, String... headers) {
    return send("POST", target, json, headers);
  }

  public HttpReply put(String target, String json, String... headers) {
    return send("PUT", target, json, headers);
  }

  public HttpReply delete(String target, String... headers) {
    return send("DELETE", target, null, headers);
  }

  /** Sends a body as JSON unless the headers have a type. Headers are pairs of name and value. */
  public HttpReply send(String method, String target, String body, String... headers) {
    try {
      HttpResponse<String> response =
          HTTP.send(request(method, target, body, headers), HttpResponse.BodyHandlers.ofString());
      Map<String, List<String>> fields = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
      fields.putAll(response.headers().map());
      return new HttpReply(response.statusCode(), fields, response.body(), response.body());
    } catch (IOException failed) {
      throw new AssertionError(method + " " + target + ": " + failed, failed);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new AssertionError(interrupted);
    }
  }

  public HttpRequest request(String method, String target, String body, String... headers) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(url + target))
            .timeout(Duration.ofSeconds(30))
            .method(
                method,
                body == null
                    ? HttpRequest.BodyPublishers.noBody()
                    : HttpRequest.BodyPublishers.ofString(body));
    if (key != null) {
      request.setHeader("Authorization", "Bearer " + key);
    }
    if (body != null) {
      request.setHeader("Content-Type", "application/json");
    }
    for (int i = 0; i < headers.length; i += 2) {
      request.setHeader(headers[i], headers[i + 1]);
    }
    return request.build();
  }

  public static HttpClient http() {
    return HTTP;
  }
}
