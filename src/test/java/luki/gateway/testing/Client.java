package luki.gateway.testing;

import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;

/** A caller of a gateway with a key, or without one. */
public final class Client {
  private static final HttpClient HTTP =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private final TestGateway gateway;
  private final String key;

  public Client(TestGateway gateway, String key) {
    this.gateway = gateway;
    this.key = key;
  }

  /** A whole answer. */
  public record Answer(HttpResponse<String> response) {
    public int status() {
      return response.statusCode();
    }

    public String body() {
      return response.body();
    }

    public Optional<String> header(String name) {
      return response.headers().firstValue(name);
    }

    public Json json() {
      try {
        return Json.parse(body().getBytes(StandardCharsets.UTF_8));
      } catch (InvalidJson notJson) {
        throw new AssertionError("not JSON: " + body(), notJson);
      }
    }

    /** The error code of the envelope, "" where there is none. */
    public String code() {
      return json().at("error").at("code").string("");
    }
  }

  public Answer get(String target, String... headers) {
    return send("GET", target, null, headers);
  }

  public Answer post(String target, String json, String... headers) {
    return send("POST", target, json, headers);
  }

  public Answer put(String target, String json, String... headers) {
    return send("PUT", target, json, headers);
  }

  public Answer delete(String target, String... headers) {
    return send("DELETE", target, null, headers);
  }

  /** Any method; a body is sent as JSON unless the headers say otherwise. Headers are pairs. */
  public Answer send(String method, String target, String body, String... headers) {
    try {
      return new Answer(
          HTTP.send(request(method, target, body, headers), HttpResponse.BodyHandlers.ofString()));
    } catch (IOException failed) {
      throw new AssertionError(method + " " + target + ": " + failed, failed);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new AssertionError(interrupted);
    }
  }

  public HttpRequest request(String method, String target, String body, String... headers) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(gateway.uri(target))
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
