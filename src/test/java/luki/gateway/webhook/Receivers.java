package luki.gateway.webhook;

import static luki.gateway.standin.RawUpstream.header;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.Waiting;

/** A receiver of messages, and the settings of a gateway that pushes to it. */
final class Receivers implements AutoCloseable {

  private final List<String> received = new CopyOnWriteArrayList<>();
  private volatile String answer = "204 No Content";
  private final RawUpstream server =
      RawUpstream.serving(
          (connection, request) -> {
            received.add(request);
            connection.send("HTTP/1.1 " + answer + "\r\nContent-Length: 0\r\n\r\n");
          });

  /** With a key of 32 bytes made now. */
  static Map<String, String> settings(Path directory) throws Exception {
    Path key = directory.resolve("key");
    if (!Files.exists(key)) {
      byte[] secret = new byte[32];
      new java.security.SecureRandom().nextBytes(secret);
      Files.writeString(key, HexFormat.of().formatHex(secret));
    }
    return Map.of(
        "WEBHOOKS_PATH",
        directory.resolve("hooks").toString(),
        "WEBHOOKS_KEY_PATH",
        key.toString());
  }

  String url() {
    return server.url() + "/hook";
  }

  /** Answers from now on with this status, and perhaps fields behind it. */
  void answer(String statusAndFields) {
    answer = statusAndFields;
  }

  List<String> received() {
    return received;
  }

  String await(int count) {
    Waiting.until(() -> received.size(), size -> size >= count);
    return received.get(count - 1);
  }

  static Json body(String request) {
    try {
      return Json.parse(
          request.substring(request.indexOf("\r\n\r\n") + 4).getBytes(StandardCharsets.UTF_8));
    } catch (InvalidJson broken) {
      throw new AssertionError(request, broken);
    }
  }

  /** The signature of Standard Webhooks, made here from its text. */
  static String signature(String request, String secret) throws Exception {
    Mac mac = Mac.getInstance("HmacSHA256");
    byte[] key = Base64.getDecoder().decode(secret.substring("whsec_".length()));
    mac.init(new SecretKeySpec(key, "HmacSHA256"));
    String signed =
        header(request, "webhook-id")
            + "."
            + header(request, "webhook-timestamp")
            + "."
            + request.substring(request.indexOf("\r\n\r\n") + 4);
    return "v1,"
        + Base64.getEncoder().encodeToString(mac.doFinal(signed.getBytes(StandardCharsets.UTF_8)));
  }

  @Override
  public void close() {
    server.close();
  }
}
