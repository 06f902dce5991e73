package luki.graphql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import luki.gateway.testing.Client;
import luki.gateway.testing.HttpReply;
import luki.gateway.testing.Processes;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The built gateway loads the door from {@code ext} beside it, with a class loader of its own. */
class BuiltJarTest {
  @TempDir Path directory;
  private Map<String, String> variables;

  @BeforeEach
  void variables() {
    variables =
        Map.of(
            "ENVIRONMENT", "dev",
            "GRAPHQL_ENABLED", "true",
            "API_KEYS_FILE", directory.resolve("keys.json").toString());
  }

  private Process start(Path out, Map<String, String> more, String... arguments)
      throws IOException {
    List<String> line =
        new ArrayList<>(
            List.of(
                Processes.java(), "-XX:TieredStopAtLevel=1", "-jar", "target/luki-gateway.jar"));
    line.addAll(List.of(arguments));
    ProcessBuilder builder =
        new ProcessBuilder(line)
            .redirectOutput(out.toFile())
            .redirectError(directory.resolve("err").toFile());
    builder.environment().clear();
    builder.environment().putAll(variables);
    builder.environment().putAll(more);
    return builder.start();
  }

  private String run(String... arguments) throws Exception {
    Path out = directory.resolve("out");
    Process process = start(out, Map.of(), arguments);
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    assertEquals(0, process.exitValue(), () -> read("err"));
    return Files.readString(out);
  }

  private String read(String name) {
    try {
      return Files.readString(directory.resolve(name));
    } catch (IOException unreadable) {
      return unreadable.toString();
    }
  }

  @Test
  void itsRoutesAreInThePolicyLikeAnyOther() throws Exception {
    String policy = run("policy");
    for (String row :
        List.of(
            "| POST | /graphql | (any caller) |",
            "| POST | /graphql/stream | (any caller) |",
            "| GET | /graphql/schema | ops:read |",
            "| GET | /graphql/ui | (public) |")) {
      assertTrue(policy.contains(row), policy);
    }
  }

  @Test
  void itAnswers() throws Exception {
    String key = run("key", "create", "--owner", "a", "--scopes", "usage:read,ops:read").strip();
    int port = Processes.freePort();
    Process process =
        start(
            directory.resolve("log"),
            Map.of("PORT", Integer.toString(port), "HOST", "127.0.0.1"),
            "serve");
    try {
      Client client = new Client("http://127.0.0.1:" + port, key);
      Waiting.until(
          Duration.ofSeconds(60),
          () -> {
            assertTrue(process.isAlive(), () -> read("err"));
            return isServing(port);
          });
      HttpReply reply =
          client.post("/graphql", "{\"query\":\"{ getUsage { plan } __typename }\"}").expect(200);
      assertEquals("Query", reply.json().pointer("/data/__typename").string());
      assertEquals("\"", reply.json().pointer("/data/getUsage/plan").toString().substring(0, 1));
      assertTrue(client.get("/openapi.json").body().contains("\"/graphql\""));
    } finally {
      process.destroy();
      assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    }
  }

  private static boolean isServing(int port) {
    try {
      return new Client("http://127.0.0.1:" + port, null).get("/healthz").status() == 200;
    } catch (AssertionError notYet) {
      return false;
    }
  }
}
