package luki.gateway.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import luki.gateway.config.Environment;
import luki.gateway.config.Problems;
import luki.gateway.config.Settings;
import luki.gateway.config.SettingsReader;
import luki.gateway.observe.Lifecycle;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The requests before a process is ready reach the handlers, and nobody sees them. */
class WarmUpTest {
  @TempDir private Path directory;

  private Configuration configuration(String environment) throws Problems.BadConfiguration {
    Problems problems = new Problems();
    return Configuration.of(
        Environment.of(
            Map.of(
                "ENVIRONMENT",
                environment,
                "PORT",
                "0",
                "API_KEYS_FILE",
                directory.resolve("keys.json").toString()),
            directory.resolve(".env"),
            problems),
        problems);
  }

  @ParameterizedTest
  @ValueSource(strings = {"dev", "prod"})
  void itsRequestsGoThroughTheWholeChainOfThatEnvironment(String environment) throws Exception {
    assertTrue(WarmUp.run(configuration(environment), Duration.ofMillis(700)) > 0);
  }

  @Test
  void itEndsWithItsTime() throws Exception {
    int answered = WarmUp.run(configuration("dev"), Duration.ZERO);
    assertTrue(answered <= 8, answered + " requests, one of each client is in flight");
  }

  @Test
  void itHasTheFilesAndTheEnginesOfTheGateway() throws Exception {
    Problems problems = new Problems();
    Path yaml = Files.copy(Path.of("config/gateway.yaml"), directory.resolve("other.yaml"));
    Path contract = Files.copy(Path.of("config/openapi.yaml"), directory.resolve("contract.yaml"));
    Map<String, String> variables =
        Map.of(
            "ENVIRONMENT", "prod",
            "GATEWAY_CONFIG", yaml.toString(),
            "OPENAPI_FILE", contract.toString(),
            "HTTP_ENGINE", "jdk",
            "HTTP_CLIENT", "jdk");
    Environment environment = Environment.of(variables, directory.resolve(".env"), problems);
    Settings own = SettingsReader.read(environment);
    Settings inner = WarmUp.settings(own, 1);
    assertEquals(own.gatewayFile(), inner.gatewayFile());
    assertEquals(own.openapiFile(), inner.openapiFile());
    assertEquals(own.engines(), inner.engines());
    assertEquals(own.dev(), inner.dev());
  }

  @Test
  void aProcessThatDrainsAlreadyIsNotMadeReadyByTheEndOfTheWarmUp() {
    Lifecycle lifecycle = new Lifecycle();
    lifecycle.draining();
    lifecycle.serving();
    assertEquals(Lifecycle.Phase.DRAINING, lifecycle.phase());
  }

  @Test
  void theTrainingSendsRequestsOfEveryOperation() throws Exception {
    assertTrue(WarmUp.train(configuration("dev"), Duration.ofMillis(500)) > 0);
  }

  @Test
  void aGatewayThatIsNotReadyServesAndSaysSo() throws Exception {
    ByteArrayOutputStream log = new ByteArrayOutputStream();
    try (Gateway gateway = new Gateway(configuration("dev"));
        HttpClient client = HttpClient.newHttpClient()) {
      gateway.accept(log);
      assertTrue(WarmUp.run(configuration("dev"), Duration.ofMillis(300)) >= 0);
      String address = "http://127.0.0.1:" + gateway.address().getPort();
      HttpRequest ready = HttpRequest.newBuilder(URI.create(address + "/readyz")).build();
      HttpRequest other = HttpRequest.newBuilder(URI.create(address + "/v1/usage")).build();
      assertEquals(503, client.send(ready, BodyHandlers.discarding()).statusCode());
      assertEquals(401, client.send(other, BodyHandlers.discarding()).statusCode());
      gateway.ready();
      assertEquals(200, client.send(ready, BodyHandlers.discarding()).statusCode());
    }
    String lines = log.toString(StandardCharsets.UTF_8);
    assertEquals(3, lines.lines().count(), lines);
  }
}
