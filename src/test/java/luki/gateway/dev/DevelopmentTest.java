package luki.gateway.dev;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code make run} and {@code make dev} show, and when they restart. */
class DevelopmentTest {
  private static final String ERROR = "[ERROR] /a/B.java:[1,2] cannot find symbol";

  private static List<String> shown(boolean colour) {
    ByteArrayOutputStream terminal = new ByteArrayOutputStream();
    try (TestGateway gateway =
        TestGateway.builder().logTo(new RequestLines(terminal, colour)).start()) {
      gateway.stranger().get("/healthz").expect(200);
      gateway.stranger().get("/v1/usage").expect(401);
      gateway.stranger().get("/none").expect(404);
      gateway.awaitLog(3);
    }
    return terminal.toString(StandardCharsets.UTF_8).lines().toList();
  }

  @Test
  void aRequestIsOneShortLineOnATerminal() {
    List<String> lines = shown(false);
    String start = "\\d\\d:\\d\\d:\\d\\d ";
    String end = " \\d+\\.\\d ms%s [0-9a-f]{32}";
    List<String> expected =
        List.of(
            start + "200 GET     /healthz" + end.formatted(""),
            start + "401 GET     /v1/usage" + end.formatted(" UNAUTHENTICATED"),
            start + "404 GET     \\(no such path\\)" + end.formatted(" NOT_FOUND"));
    assertEquals(3, lines.size(), lines::toString);
    for (int i = 0; i < lines.size(); i++) {
      assertTrue(lines.get(i).matches(expected.get(i)), lines.get(i));
    }
  }

  @Test
  void colourShowsTheKindOfTheStatus() {
    List<String> lines = shown(true);
    assertTrue(lines.get(0).contains("\u001b[32m200\u001b[0m"), lines.get(0));
    assertTrue(lines.get(1).contains("\u001b[33m401\u001b[0m"), lines.get(1));
  }

  @Test
  void anythingElseIsShownAsItIs() throws IOException {
    ByteArrayOutputStream terminal = new ByteArrayOutputStream();
    try (RequestLines lines = new RequestLines(terminal, true)) {
      lines.write("{\"a\":1}\nplain\n".getBytes(StandardCharsets.UTF_8));
    }
    assertEquals("{\"a\":1}\nplain\n", terminal.toString(StandardCharsets.UTF_8));
  }

  @Test
  void linesAreShortOnlyOnATerminal(@TempDir Path directory) throws Exception {
    Path seen = project(directory);
    Process piped = start(directory, "sh", "src/dev/serve.sh");
    Waiting.until(() -> read(seen).contains("start"));
    assertFalse(read(seen).contains("-Dluki"), read(seen));
    end(piped);
    Files.delete(seen);
    Path script = Path.of("/usr/bin/script");
    Assumptions.assumeTrue(Files.isExecutable(script), "script is not installed");
    Process terminal =
        start(directory, script.toString(), "-qec", "sh src/dev/serve.sh", "/dev/null");
    Waiting.until(() -> read(seen).contains("start"));
    assertTrue(read(seen).contains("-Dluki.lines=short -Dluki.colour=true"), read(seen));
    end(terminal);
  }

  @Test
  void theOldGatewayServesUntilTheNewBuildIsReady(@TempDir Path directory) throws Exception {
    Path seen = project(directory);
    Process watch = start(directory, "sh", "src/dev/watch.sh");
    try {
      Waiting.until(() -> events(seen), List.of("built", "start a")::equals);
      Files.writeString(directory.resolve("broken"), "");
      Files.writeString(directory.resolve("src/B.java"), "1");
      Path output = directory.resolve("output");
      Waiting.until(() -> read(output).contains("serves on"));
      assertEquals(1, read(output).split("cannot find symbol", -1).length - 1, read(output));
      assertTrue(read(output).contains("  symbol: class C"), read(output));
      assertEquals(List.of("built", "start a"), events(seen));
      Files.delete(directory.resolve("broken"));
      Files.writeString(directory.resolve("src/B.java"), "2");
      List<String> all = List.of("built", "start a", "built", "stop", "start b");
      Waiting.until(() -> events(seen), all::equals);
    } finally {
      end(watch);
    }
    assertEquals("stop", events(seen).getLast());
  }

  /** A folder like this one, with a build and a Java that only say what they do. */
  private static Path project(Path directory) throws IOException {
    for (String folder : List.of("src/dev", "config", "target/test-classes", "target/lib", "bin")) {
      Files.createDirectories(directory.resolve(folder));
    }
    Files.writeString(directory.resolve("target/luki-gateway.jar"), "");
    for (String name : List.of("serve.sh", "watch.sh")) {
      Files.copy(Path.of("src/dev", name), directory.resolve("src/dev").resolve(name));
    }
    program(
        directory.resolve("bin/make"),
        """
        if [ -e broken ]; then
          for i in 1 2; do printf '%%s\\n  symbol: class C\\n' '%s'; done
          echo "[ERROR] Failed to execute goal"
          echo '%s'
          exit 1
        fi
        echo built >>seen
        """
            .formatted(ERROR, ERROR));
    program(
        directory.resolve("bin/java"),
        """
        trap 'echo stop >>seen; exit 0' TERM
        case "$*" in *dev/a/lib*) copy=" a" ;; *dev/b/lib*) copy=" b" ;; *) copy=" $*" ;; esac
        echo "start$copy" >>seen
        while :; do sleep 0.05; done
        """);
    return directory.resolve("seen");
  }

  private static void program(Path file, String script) throws IOException {
    Files.writeString(file, "#!/bin/sh\n" + script);
    assertTrue(file.toFile().setExecutable(true));
  }

  private static Process start(Path directory, String... command) throws IOException {
    ProcessBuilder builder = new ProcessBuilder(command).directory(directory.toFile());
    builder.environment().put("JAVA_HOME", directory.toString());
    builder.environment().put("MAKE", directory.resolve("bin/make").toString());
    builder.environment().put("DEV_CLASSPATH", "target/test-classes:target/lib/*");
    builder.environment().remove("NO_COLOR");
    return builder
        .redirectErrorStream(true)
        .redirectOutput(directory.resolve("output").toFile())
        .start();
  }

  private static void end(Process process) throws InterruptedException {
    process.destroy();
    if (!process.waitFor(10, TimeUnit.SECONDS)) {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
  }

  private static List<String> events(Path seen) throws IOException {
    return read(seen).lines().toList();
  }

  private static String read(Path file) throws IOException {
    return Files.exists(file) ? Files.readString(file) : "";
  }
}
