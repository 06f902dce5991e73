package luki.gateway.surface;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import luki.gateway.json.Json;
import luki.gateway.testing.HttpReply;

/**
 * What these tests send and receive, a line of JSON each, in the file of the property {@code
 * luki.exchanges}: {@code make test-clients} shows it to another judge of the contract.
 */
final class Exchanges {
  private static final Exchanges ALL = new Exchanges();

  /** Of larger ones the tests look at the size only. */
  private static final int MAX_BODY = 64 * 1024;

  private final BufferedWriter file;

  private Exchanges() {
    String name = System.getProperty("luki.exchanges", "");
    // The gateway's own engines are those that are judged.
    boolean others =
        System.getProperty("luki.engine") != null || System.getProperty("luki.client") != null;
    try {
      file = name.isEmpty() || others ? null : Files.newBufferedWriter(Path.of(name));
    } catch (IOException unwritable) {
      throw new UncheckedIOException(unwritable);
    }
    // What a test writes last is flushed when its JVM ends.
    Runtime.getRuntime().addShutdownHook(new Thread(this::close));
  }

  static void add(Ask ask, HttpReply reply) {
    ALL.write(ask, reply);
  }

  private synchronized void write(Ask ask, HttpReply reply) {
    if (file == null || Math.max(ask.octets().length(), reply.body().length()) > MAX_BODY) {
      return;
    }
    List<Json> sent = new ArrayList<>();
    ask.headers().forEach(line -> sent.add(field(line.name(), line.value())));
    List<Json> received = new ArrayList<>();
    reply.headers().forEach((name, all) -> all.forEach(value -> received.add(field(name, value))));
    Json line =
        Json.object()
            .put("method", ask.method())
            .put("target", ask.target())
            .put("headers", Json.array(sent))
            .put("body", base64(ask.body()))
            .put("status", reply.status())
            .put("replyHeaders", Json.array(received))
            .put("replyBody", base64(reply.body().getBytes(StandardCharsets.UTF_8)))
            .build();
    try {
      file.write(line + "\n");
    } catch (IOException unwritable) {
      throw new UncheckedIOException(unwritable);
    }
  }

  private static Json field(String name, String value) {
    return Json.array(List.of(Json.of(name), Json.of(value)));
  }

  private static String base64(byte[] bytes) {
    return Base64.getEncoder().encodeToString(bytes);
  }

  private synchronized void close() {
    try {
      if (file != null) {
        file.close();
      }
    } catch (IOException unwritable) {
      throw new UncheckedIOException(unwritable);
    }
  }
}
