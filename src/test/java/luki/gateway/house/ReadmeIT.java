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

  /** As a reader does: in one terminal, from the first to the last. */
  @Test
  void everyCommandWorksDuringMakeRun(@TempDir Path directory) throws Exception {
    for (String tool : List.of("make", "bash", "curl")) {
      assumeTrue(isInstalled(tool) || System.getenv("CI") != null, tool + " is not installed");
    }
    // The jar is already built: make must not build again inside this build.
    Files.writeString(Path.of("target/.compiled"), "");
    int port = Processes.freePort();
    Process run = start("make run", port, directory.resolve("run"));
    try {
      Waiting.until(Duration.ofSeconds(30), () -> isReady(port));
      String script =
          String.join("\n", blocks().subList(2, blocks().size()))
              .replace("localhost:8081", "localhost:" + port);
      Process shell = start(script, port, directory.resolve("block"));
      assertTrue(shell.waitFor(120, TimeUnit.SECONDS), "did not end:\n" + script);
      String said = Files.readString(directory.resolve("block"));
      assertEquals(0, shell.exitValue(), script + said);
      assertFalse(said.contains("\"error\":{"), said);
      assertTrue(said.contains("event: done"), said);
      assertTrue(said.contains("\"complete\":true"), said);
      assertTrue(said.contains("AuthorizeOwner       403 NOT_OWNER"), said);
      assertTrue(said.contains("You said: “hello”"), "by the token that was minted: " + said);
      Matcher key = Pattern.compile("(?m)^luki_\\w+$").matcher(said);
      assertTrue(key.find(), said);
      Waiting.until(
          Duration.ofSeconds(10), () -> status(port, "/v1/elr/items/anna", key.group()) == 200);
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
    return status(port, "/readyz", "") == 200;
  }

  /** The status of a GET with this key; 0 while nothing answers. */
  private static int status(int port, String target, String key) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + target));
    if (!key.isEmpty()) {
      request.header("X-API-Key", key);
    }
    try (HttpClient http = HttpClient.newHttpClient()) {
      return http.send(request.build(), HttpResponse.BodyHandlers.discarding()).statusCode();
    } catch (IOException notYet) {
      return 0;
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      return 0;
    }
  }
}
