package luki.gateway.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import luki.gateway.json.Json;
import luki.gateway.standin.Fixture;
import luki.gateway.testing.TestGateway;
import org.junit.jupiter.api.Test;

/** The samples of the published document work as they are, but for the port. */
class CodeSamplesTest {
  // What is replaced or deleted is needed by the others.
  private static final List<String> ORDER = List.of("post", "get", "patch", "put", "delete");

  @Test
  void everySampleSucceedsInAShell() throws Exception {
    assumeTrue(run("curl --version", "").startsWith("curl "), "curl is not installed");
    try (Fixture server = Fixture.start()) {
      TestGateway gateway = server.gateway();
      String[] scopes = scopes(gateway);
      String key = gateway.key(List.of(Fixture.MARIA), scopes);
      server.as(Fixture.MARIA);
      Map<String, String> failed = new TreeMap<>();
      int count = 0;
      for (String method : ORDER) {
        for (var path : document(gateway).at("paths").members().entrySet()) {
          Json operation = path.getValue().at(method);
          Json sample = operation.at("x-codeSamples").at(0);
          if (!operation.isMissing() && operation.at("responses").at("101").isMissing()) {
            count++;
            assertEquals("Shell", sample.at("lang").string());
            String command =
                sample
                    .at("source")
                    .string("")
                    .replace("localhost:8081", "127.0.0.1:" + gateway.port());
            String status = run(command + " -o /dev/null -w '%{http_code}'", key);
            if (!status.startsWith("2")) {
              failed.put(method + " " + path.getKey(), status + " " + command);
            }
          }
        }
      }
      assertTrue(count > 50, () -> "few samples");
      // Both versions delete the one session of the examples.
      failed.remove("delete /api/cognitive/life-story/sessions/{id}");
      // Ids of webhooks and jobs are random, so those of the examples do not exist.
      failed.values().removeIf(each -> each.matches("(?s)404 .*/v1/(webhooks|jobs)/.*"));
      assertEquals(Map.of(), failed);
    }
  }

  private static Json document(TestGateway gateway) {
    return gateway.stranger().get("/openapi.json").expect(200).json();
  }

  private static String[] scopes(TestGateway gateway) {
    return document(gateway).at("paths").members().values().stream()
        .flatMap(path -> path.members().values().stream())
        .flatMap(operation -> operation.at("security").items().stream())
        .flatMap(one -> one.at("apiKeyBearer").items().stream())
        .map(scope -> scope.string(""))
        .distinct()
        .toArray(String[]::new);
  }

  private static String run(String command, String key) throws Exception {
    ProcessBuilder shell = new ProcessBuilder("sh", "-c", command);
    shell.environment().put("LUKI_KEY", key);
    Process process = shell.redirectError(ProcessBuilder.Redirect.DISCARD).start();
    process.getOutputStream().close();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    return out;
  }
}
