package luki.gateway.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import java.io.IOException;
import java.net.ConnectException;
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
import java.util.Map;
import java.util.concurrent.TimeUnit;
import luki.gateway.testing.Processes;
import luki.gateway.testing.Waiting;

/** The built jar in a new directory, with only the environment variables that a test sets. */
final class Jar {
  private static final HttpClient HTTP = HttpClient.newHttpClient();

  private final Path directory;

  Jar(Path directory) throws IOException {
    this.directory = directory;
    Files.createSymbolicLink(directory.resolve("target"), Path.of("target").toAbsolutePath());
    Path config = Files.createDirectory(directory.resolve("config"));
    for (String name : List.of("openapi.yaml", "gateway.yaml", "jvm.options")) {
      Files.copy(Path.of("config", name), config.resolve(name));
    }
  }

  /** Removes the link to the build, so that the cleanup deletes nothing outside this directory. */
  void unlink() throws IOException {
    Files.delete(directory.resolve("target"));
  }

  Path directory() {
    return directory;
  }

  /** Exit code and output of a command. */
  record Ended(int code, String out, String err) {
    /** This one; fails when it ended with another code. */
    Ended expect(int wanted) {
      assertEquals(wanted, code, err);
      return this;
    }
  }

  Ended run(Map<String, String> environment, String... arguments) throws Exception {
    List<String> line =
        new ArrayList<>(List.of(Processes.java(), "-jar", "target/luki-gateway.jar"));
    line.addAll(List.of(arguments));
    Process process = start(environment, line);
    if (!process.waitFor(20, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError("did not end: " + line);
    }
    return new Ended(process.exitValue(), read("out"), read("err"));
  }

  /** Starts a command as a shell does. */
  Process shell(Map<String, String> environment, String line) throws IOException {
    return start(environment, List.of("sh", "-c", "exec " + line));
  }

  private Process start(Map<String, String> environment, List<String> line) throws IOException {
    ProcessBuilder builder = new ProcessBuilder(line).directory(directory.toFile());
    builder.environment().clear();
    builder.environment().put("PATH", Path.of(Processes.java()).getParent() + ":/usr/bin:/bin");
    builder.environment().putAll(environment);
    builder.redirectOutput(directory.resolve("out").toFile());
    builder.redirectError(directory.resolve("err").toFile());
    return builder.start();
  }

  String read(String stream) throws IOException {
    return Files.readString(directory.resolve(stream), StandardCharsets.UTF_8);
  }

  static HttpResponse<String> get(int port, String target, String... headers) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + target))
            .timeout(Duration.ofSeconds(5));
    for (int i = 0; i < headers.length; i += 2) {
      request.setHeader(headers[i], headers[i + 1]);
    }
    try {
      return HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
    } catch (ConnectException notYet) {
      return null;
    } catch (IOException broken) {
      System.err.println("no reply to GET " + target + " on port " + port + ": " + broken);
      return null;
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new AssertionError(interrupted);
    }
  }

  static void awaitReady(int port) {
    awaitStatus(port, "/readyz", 200);
  }

  static void awaitStatus(int port, String path, int status) {
    Waiting.until(
        Duration.ofSeconds(20),
        () -> get(port, path),
        answer -> answer != null && answer.statusCode() == status);
  }

  /** A new signing key, as a JWK. */
  Path signingKey() throws IOException {
    try {
      return Files.writeString(
          directory.resolve("signing.json"),
          new ECKeyGenerator(Curve.P_256).generate().toJSONString());
    } catch (JOSEException cannotBe) {
      throw new IllegalStateException(cannotBe);
    }
  }
}
