package luki.wire;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import luki.gateway.standin.RawUpstream;
import luki.http1.Fields;
import luki.http1.HeadLimits;
import luki.http1.RawClient;

/** Short ways to call a scripted service. */
final class Calls {
  static final WireSettings SETTINGS =
      new WireSettings(
          Duration.ofSeconds(1),
          64,
          8,
          Duration.ofMillis(500),
          Duration.ofSeconds(10),
          Duration.ofMillis(100),
          new HeadLimits(8 * 1024, 64 * 1024, 200));

  private Calls() {}

  static RawClient.Origin origin(RawUpstream service) {
    return new RawClient.Origin(false, "127.0.0.1", service.port());
  }

  static RawClient.Limits within(Duration most) {
    long end = System.nanoTime() + most.toNanos();
    return new RawClient.Limits(Duration.ofSeconds(1).toNanos(), end, end, false);
  }

  static RawClient.Request get() {
    return new RawClient.Request("GET", "/", Fields.NONE, new byte[0]);
  }

  static RawClient.Request post(String body) {
    return new RawClient.Request("POST", "/", Fields.NONE, body.getBytes(StandardCharsets.UTF_8));
  }

  /** Calls and reads the reply to its end. */
  static String body(RawClient client, RawUpstream service)
      throws IOException, InterruptedException {
    return body(client, service, get(), within(Duration.ofSeconds(5)));
  }

  static String body(
      RawClient client, RawUpstream service, RawClient.Request request, RawClient.Limits limits)
      throws IOException, InterruptedException {
    try (RawClient.Reply reply = client.call(origin(service), request, limits)) {
      return reply.status() + " " + new String(reply.body().readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
