package luki.gateway.upstream;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import luki.http1.PreparedRequest;
import luki.http1.TimedBody;

/** Calls beside the bulkhead and the breaker of a service: only the status is of interest. */
record UncountedCall(HttpClient http, int maxReplyBytes) {
  /** The status of a reply whose body is read and dropped; 0 without a whole one by then. */
  int status(PreparedRequest request, long by) throws InterruptedException {
    try {
      HttpResponse<InputStream> reply = http.send(request, new TimedBody(by));
      try (InputStream body = reply.body()) {
        long _ = body.skip(maxReplyBytes);
      }
      return reply.statusCode();
    } catch (IOException | RuntimeException failed) {
      return 0;
    }
  }
}
