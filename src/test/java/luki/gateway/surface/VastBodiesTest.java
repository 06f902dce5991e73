package luki.gateway.surface;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.TestGateway;
import org.junit.jupiter.api.Test;

/** Bodies within the size limit that are expensive to parse: each is refused quickly. */
class VastBodiesTest {
  private static String chat(String history) {
    return "{\"user_id\":\"maria_k\",\"message\":\"Hi\",\"context\":{\"conversation_history\":"
        + history
        + "}}";
  }

  private static String repeated(String item, int bytes) {
    return "[" + (item + ",").repeat(bytes / (item.length() + 1)) + item + "]";
  }

  @Test
  void bodiesFullOfErrorsAreRefusedQuicklyAlsoInParallel() throws Exception {
    try (TestGateway gateway = TestGateway.start(Map.of())) {
      Client maria = new Client(gateway, gateway.key(List.of("maria_k"), "chat:write"));
      List<Callable<HttpReply>> callers = new ArrayList<>();
      for (String item : List.of("{}", "1", "{\"role\":7}", "{\"a\":1,\"b\":2}")) {
        callers.add(() -> maria.post("/v1/chat", chat(repeated(item, 1_000_000))));
        callers.add(() -> maria.post("/v1/chat", chat(repeated(item, 90_000))));
      }
      long began = System.nanoTime();
      try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
        for (var answer : threads.invokeAll(callers)) {
          answer.get().expect(400);
          assertEquals("INVALID_REQUEST", answer.get().code());
          assertTrue(answer.get().json().at("error").at("details").size() <= 20);
        }
      }
      Duration took = Duration.ofNanos(System.nanoTime() - began);
      assertTrue(took.toSeconds() < 10, took.toString());
    }
  }

  @Test
  void aHeaderThatCouldOverflowTheStackIsAnswered() {
    try (TestGateway gateway = TestGateway.start(Map.of())) {
      Client maria = new Client(gateway, gateway.key(List.of("maria_k"), "chat:write"));
      String type = "application/json; charset=\"" + "a".repeat(14_000) + "\"";
      maria.send("POST", "/v1/chat", "{}", "Content-Type", type).expect(415);
      assertTrue(gateway.awaitLog(1).getFirst().contains("\"status\":415"));
    }
  }
}
