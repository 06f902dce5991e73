package luki.gateway.house;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import luki.gateway.testing.Processes;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs the shell blocks of the README unchanged (on another port). */
class ReadmeIT {
  private static final Pattern BLOCK = Pattern.compile("(?ms)^```sh\\n(.*?)^```$");

  private static List<String> blocks() throws IOException {
    List<String> blocks = new ArrayList<>();
    Matcher block = BLOCK.matcher(Files.readString(Path.of("README.md")));
    while (block.find()) {
      blocks.add(block.group(1));
    }
    return blocks;
  }

  @Test
  void theTwoCommandsComeFirst() throws IOException {
    assertEquals(List.of("make run\n", "make test\n"), blocks().subList(0, 2));
  }

  @Test
  void everyCurlLineWorksDuringMakeRun(@TempDir Path directory) throws Exception {
    for (String tool : List.of("make", "bash", "curl")) {
      assumeTrue(isInstalled(tool) || System.getenv("CI") != null, tool + " is not installed");
    }
    // The jar is already built: make must not build again inside this build.
    Files.writeString(Path.of("target/.compiled"), "");
    int port = Processes.freePort();
    Process run = start("make run", port, directory.resolve("run"));
    try {
      Waiting.until(Duration.ofSeconds(30), () -> isReady(port));
      for (String block : blocks().subList(2, blocks().size())) {
        String script = block.replace("localhost:8081", "localhost:" + port);
        Process shell = start(script, port, directory.resolve("block"));
        assertTrue(shell.waitFor(60, TimeUnit.SECONDS), "did not end:\n" + block);
        String said = Files.readString(directory.resolve("block"));
        assertEquals(0, shell.exitValue(), block + said);
        assertFalse(said.contains("\"error\":{"), said);
        assertTrue(said.contains("event: done"), said);
        assertTrue(said.contains("\"complete\":true"), said);
      }
    } finally {
      run.descendants().forEach(ProcessHandle::destroy);
      run.destroy();
    }
    String banner = Files.readString(directory.resolve("run"));
    assertTrue(banner.contains("http://localhost:" + port), banner);
    assertEquals(-1, banner.indexOf('\u001b'), "colour goes to terminals only");
  }

  private static Process start(String script, int port, Path output) throws IOException {
    ProcessBuilder builder = new ProcessBuilder("bash", "-euo", "pipefail", "-c", script);
    builder.environment().put("PORT", Integer.toString(port));
    builder.environment().remove("MAKEFLAGS");
    builder.environment().remove("MAKELEVEL");
    return builder.redirectErrorStream(true).redirectOutput(output.toFile()).start();
  }

  private static boolean isInstalled(String tool) throws Exception {
    return new ProcessBuilder("sh", "-c", "command -v " + tool)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start()
            .waitFor()
        == 0;
  }

  private static boolean isReady(int port) {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/readyz")).build();
    try (HttpClient http = HttpClient.newHttpClient()) {
      return http.send(request, HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8))
              .statusCode()
          == 200;
    } catch (IOException notYet) {
      return false;
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
