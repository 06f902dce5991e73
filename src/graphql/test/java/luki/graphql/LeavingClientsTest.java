package luki.graphql;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import luki.gateway.json.Json;
import luki.gateway.standin.Fixture;
import luki.gateway.standin.RawUpstream;
import luki.gateway.testing.RawHttpClient;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A client that leaves ends the calls of its document. */
@Timeout(60)
class LeavingClientsTest {
  private static final int FIELDS = 2;
  private static final String READS =
      "{ a: getUserStats(user_id: \"maria_k\") { user_id }"
          + " b: getUserStats(user_id: \"anna\") { user_id } }";

  private final CountDownLatch called = new CountDownLatch(FIELDS);
  private final CountDownLatch ended = new CountDownLatch(FIELDS);

  private final RawUpstream memory =
      RawUpstream.start(
          connection -> {
            connection.readRequest();
            called.countDown();
            if (connection.peerClosed(Duration.ofSeconds(20))) {
              ended.countDown();
            }
          });

  @Test
  void allCallsOfItsFieldsEnd() throws Exception {
    try (memory;
        Fixture setting = WithGraphQl.fixture(with -> with.with("MEMORY_URL", memory.url()));
        RawHttpClient client = new RawHttpClient(setting.gateway().port())) {
      TestGateway gateway = setting.gateway();
      byte[] body = Json.object().put("query", READS).build().bytes();
      client.send(
          RawHttpClient.crlf(
                  """
              POST /graphql HTTP/1.1
              Host: gateway
              Authorization: Bearer %s
              Content-Type: application/json
              Content-Length: %d

              """
                      .formatted(gateway.key(List.of("maria_k", "anna"), "elr:read"), body.length))
              + new String(body, StandardCharsets.UTF_8));
      assertTrue(called.await(10, TimeUnit.SECONDS));

      client.socket().close();

      assertTrue(ended.await(5, TimeUnit.SECONDS), ended + " calls go on");
      Waiting.until(
          Duration.ofSeconds(5), () -> gateway.metric("http_server_active_requests").equals("1.0"));
    }
  }
}
