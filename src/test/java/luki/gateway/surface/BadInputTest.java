package luki.gateway.surface;

import static com.github.tomakehurst.wiremock.client.WireMock.anyUrl;
import static com.github.tomakehurst.wiremock.client.WireMock.okJson;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicContainer.dynamicContainer;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.github.tomakehurst.wiremock.WireMockServer;
import com.github.tomakehurst.wiremock.client.WireMock;
import com.github.tomakehurst.wiremock.core.WireMockConfiguration;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import luki.gateway.standin.StandIns;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.TestGateway;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Every operation of the contract with every kind of bad input: the exact error, and no call to a
 * service. An operation that is added to the document is tested automatically.
 */
class BadInputTest {
  private static final int MAX_BODY_BYTES = 65_536;

  private static WireMockServer services;
  private static TestGateway gateway;

  @BeforeAll
  static void start() {
    services = new WireMockServer(WireMockConfiguration.options().dynamicPort());
    services.stubFor(WireMock.any(anyUrl()).willReturn(okJson("{}")));
    services.start();
    TestGateway.Builder builder =
        TestGateway.builder()
            .webhooks()
            .with("METRICS_ACCESS", "scope")
            .with("MAX_BODY_BYTES", Integer.toString(MAX_BODY_BYTES));
    StandIns.VARIABLES.forEach(variable -> builder.with(variable, services.baseUrl()));
    gateway = builder.start();
  }

  @AfterAll
  static void stop() {
    gateway.close();
    services.stop();
  }

  @TestFactory
  Stream<DynamicContainer> refusesEveryBadInputOfEveryOperation() {
    Callers callers = new Callers(gateway);
    return ContractOperation.all().stream()
        .map(
            operation ->
                dynamicContainer(
                    operation.toString(),
                    Stream.of(
                        group("credential", new CredentialCases(operation, callers)),
                        group("parameter", new ParameterCases(operation, callers)),
                        group("body", new BodyCases(operation, callers, MAX_BODY_BYTES)),
                        group("routing", new RoutingCases(operation, callers)))));
  }

  private static DynamicNode group(String name, Cases cases) {
    return dynamicContainer(
        name, cases.all().stream().map(one -> dynamicTest(one.name(), () -> isRefused(one))));
  }

  private static void isRefused(Cases.Case one) {
    services.resetRequests();
    HttpReply answer = one.ask().sendTo(gateway);
    Envelope.holds(answer, one.ask().template(), one.status(), one.code());
    one.also().accept(answer);
    assertEquals(List.of(), calls());
  }

  /** Calls that a service has received, health checks excluded. */
  private static List<String> calls() {
    return services.getAllServeEvents().stream()
        .map(event -> event.getRequest().getMethod() + " " + event.getRequest().getUrl())
        .filter(call -> !call.startsWith("GET /health"))
        .toList();
  }

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
      Client maria = gateway.client("chat:write");
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
      Client maria = gateway.client("chat:write");
      String type = "application/json; charset=\"" + "a".repeat(14_000) + "\"";
      maria.send("POST", "/v1/chat", "{}", "Content-Type", type).expect(415);
      assertTrue(gateway.awaitLog(1).getFirst().contains("\"status\":415"));
    }
  }
}
