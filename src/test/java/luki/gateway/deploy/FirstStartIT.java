package luki.gateway.deploy;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import luki.gateway.standin.StandIns;
import luki.gateway.testing.Client;
import luki.gateway.testing.Processes;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands of the README for a first start in production, as they are written there. */
class FirstStartIT {
  private static final List<String> SECRETS =
      List.of(
          "api-keys.json",
          "demo-key",
          "gateway.env",
          "idempotency-key",
          "metrics-key",
          "service-token.pem");

  private static String commands() throws IOException {
    String readme = Files.readString(Path.of("README.md"));
    Matcher block =
        Pattern.compile("(?s)## First start in production.*?```console\n(.*?)```").matcher(readme);
    assertTrue(block.find());
    return block.group(1);
  }

  @Test
  void theReadmesCommandsGiveAGatewayInProd(@TempDir Path directory) throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/openssl")), "openssl is not installed");
    Files.createSymbolicLink(directory.resolve("target"), Path.of("target").toAbsolutePath());
    copyConfig(directory);
    int port = Processes.freePort();
    try (StandIns services = StandIns.start()) {
      String script = commands();
      for (String variable : List.of("AGENT_URL", "MEMORY_URL", "SECURITY_URL")) {
        String other = variable + "=" + services.urls().get(variable);
        String ours = script.replaceFirst(variable + "=http://localhost:90\\d\\d", other);
        assertNotEquals(script, ours);
        script = ours;
      }
      Process process = start(directory, port, script);
      try {
        Client client = new Client("http://127.0.0.1:" + port, null);
        Waiting.until(Duration.ofSeconds(60), () -> isReady(process, directory, client));
        Path secrets = directory.resolve("config/deploy/secrets");
        assertEquals(Stream.concat(SECRETS.stream(), Stream.of("state")).toList(), names(secrets));
        for (String name : SECRETS) {
          var mode = Files.getPosixFilePermissions(secrets.resolve(name));
          assertEquals("rw-------", PosixFilePermissions.toString(mode), name);
        }
        var state = Files.getPosixFilePermissions(secrets.resolve("state"));
        assertEquals("rwx------", PosixFilePermissions.toString(state));
        String chat = "{\"user_id\":\"maria_k\",\"message\":\"hello\"}";
        caller(port, secrets, "demo-key").post("/v1/chat", chat).expect(200);
        caller(port, secrets, "metrics-key").get("/metrics").expect(200);
        client.get("/metrics").expect(401);
        client.get("/console").expect(404);
      } finally {
        process.descendants().forEach(ProcessHandle::destroy);
        process.destroy();
        process.waitFor(30, TimeUnit.SECONDS);
      }
      String said = Files.readString(directory.resolve("output"));
      assertFalse(said.lines().anyMatch(line -> line.startsWith("critical")), said);
    } finally {
      Files.delete(directory.resolve("target"));
    }
  }

  private static void copyConfig(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(Path.of("config"))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        if (!file.startsWith("config/deploy/secrets") && !file.toString().endsWith(".json")) {
          Files.createDirectories(directory.resolve(file).getParent());
          Files.copy(file, directory.resolve(file));
        }
      }
    }
  }

  private static Process start(Path directory, int port, String script) throws IOException {
    ProcessBuilder shell =
        new ProcessBuilder("bash", "-euo", "pipefail", "-c", script).directory(directory.toFile());
    shell.environment().clear();
    shell.environment().put("PATH", "/usr/bin:/bin");
    shell.environment().put("JAVA_HOME", System.getProperty("java.home"));
    shell.environment().put("PORT", Integer.toString(port));
    return shell
        .redirectErrorStream(true)
        .redirectOutput(directory.resolve("output").toFile())
        .start();
  }

  private static boolean isReady(Process process, Path directory, Client client) {
    if (!process.isAlive()) {
      try {
        throw new AssertionError("ended: " + Files.readString(directory.resolve("output")));
      } catch (IOException failed) {
        throw new AssertionError(failed);
      }
    }
    try {
      return client.get("/readyz").status() == 200;
    } catch (AssertionError notYet) {
      return false;
    }
  }

  private static Client caller(int port, Path secrets, String name) throws IOException {
    return new Client("http://127.0.0.1:" + port, Files.readString(secrets.resolve(name)).strip());
  }

  private static List<String> names(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }
}
