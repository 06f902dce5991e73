package luki.gateway.standin;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import luki.gateway.standin.RawUpstream.RawConnection;
import luki.gateway.testing.ChatStream;
import luki.gateway.testing.Client;
import luki.gateway.testing.TestGateway;

/** An agent that streams by a script of the test, and a gateway in front of it. */
public final class ScriptedAgent {
  public static final String TOKEN = "data: {\"token\": \"A\"}\n\n";
  public static final String DONE = "data: {\"done\": true}\n\n";
  public static final String REQUEST = "{\"user_id\":\"maria_k\",\"message\":\"Hi\"}";

  private ScriptedAgent() {}

  public static RawUpstream agent(RawUpstream.Script stream) {
    return RawUpstream.start(
        connection -> {
          while (connection.readRequest().startsWith("GET /health")) {
            connection.send(RawUpstream.EMPTY_OBJECT);
          }
          stream.serve(connection);
        });
  }

  public static void begin(RawConnection connection) throws IOException {
    connection.send(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
            + "Transfer-Encoding: chunked\r\n\r\n");
  }

  public static void chunk(RawConnection connection, String text) throws IOException {
    connection.send("%x\r\n%s\r\n".formatted(text.length(), text));
  }

  public static void answer(RawConnection connection, String events) throws IOException {
    begin(connection);
    chunk(connection, events);
    connection.send("0\r\n\r\n");
  }

  public static void tokenThenSilence(RawConnection connection, CompletableFuture<Long> end)
      throws IOException {
    begin(connection);
    chunk(connection, TOKEN);
    if (connection.peerClosed(Duration.ofSeconds(20))) {
      end.complete(System.nanoTime());
    }
  }

  public static TestGateway.Builder gateway(RawUpstream agent) {
    return TestGateway.builder().with("AGENT_URL", agent.url());
  }

  public static ChatStream open(TestGateway gateway) throws IOException {
    return ChatStream.open(gateway, gateway.key(List.of("maria_k"), "chat:write"));
  }

  public static Client client(TestGateway gateway) {
    return gateway.client("chat:write");
  }
}
