package luki.gateway.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import luki.gateway.cli.Main;

/** A gateway in a process of its own, in {@code dev}, started from the class path of the tests. */
public final class GatewayProcess implements AutoCloseable {
  private static final Duration START_LIMIT = Duration.ofSeconds(30);

  private final Process process;
  private final Path directory;
  private final int port;

  private GatewayProcess(Process process, Path directory, int port) {
    this.process = process;
    this.directory = directory;
    this.port = port;
  }

  /** Where its output goes. */
  public enum Output {
    /** To the files {@code out} and {@code err} of its directory. */
    FILES,
    /** To pipes that the test reads, or does not read. */
    PIPES,
    /** Its stderr to the file {@code err}; its stdout is not kept. */
    ERRORS
  }

  /** Starts it and waits until it is alive; its output goes to files. */
  public static GatewayProcess start(
      Path directory, List<String> flags, Map<String, String> variables) {
    return start(directory, flags, variables, Output.FILES);
  }

  /**
   * Starts it and waits until it is alive.
   *
   * @param flags of the JVM
   */
  public static GatewayProcess start(
      Path directory, List<String> flags, Map<String, String> variables, Output output) {
    try {
      String given = variables.get("PORT");
      int port = given == null ? Processes.freePort() : Integer.parseInt(given);
      Map<String, String> environment = new HashMap<>();
      environment.put("PATH", "/usr/bin:/bin");
      environment.put("ENVIRONMENT", "dev");
      environment.put("HOST", "127.0.0.1");
      environment.put("PORT", Integer.toString(port));
      environment.put("API_KEYS_FILE", directory.resolve("keys.json").toString());
      environment.putAll(variables);
      List<String> own = new ArrayList<>(List.of("-XX:TieredStopAtLevel=1"));
      own.addAll(flags);
      ProcessBuilder builder = new ProcessBuilder(Processes.javaCommand(Main.class, own, "serve"));
      builder.environment().clear();
      builder.environment().putAll(environment);
      if (output != Output.PIPES) {
        builder.redirectOutput(
            output == Output.FILES
                ? ProcessBuilder.Redirect.to(directory.resolve("out").toFile())
                : ProcessBuilder.Redirect.DISCARD);
        builder.redirectError(directory.resolve("err").toFile());
      }
      GatewayProcess started = new GatewayProcess(builder.start(), directory, port);
      started.awaitAlive();
      return started;
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  private void awaitAlive() {
    Waiting.until(
        START_LIMIT,
        () -> {
          if (!process.isAlive()) {
            throw new AssertionError("ended at its start: " + err());
          }
          try (RawHttpClient client = new RawHttpClient(port)) {
            client.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
            return client.readReply().startsWith("HTTP/1.1 200");
          } catch (ConnectException notYet) {
            return false;
          } catch (IOException failed) {
            throw new UncheckedIOException(failed);
          }
        });
  }

  public int port() {
    return port;
  }

  public Process process() {
    return process;
  }

  /** A caller without a credential. */
  public Client stranger() {
    return new Client("http://127.0.0.1:" + port, null);
  }

  /** The sum of the samples of a metric whose lines begin so. */
  public double metric(String prefix) {
    return stranger()
        .get("/metrics")
        .body()
        .lines()
        .filter(line -> line.startsWith(prefix))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .sum();
  }

  /** What it has written to stdout so far; only of a process that writes to files. */
  public String out() {
    return read("out");
  }

  /** What it has written to stderr so far; only of a process that writes to files. */
  public String err() {
    return read("err");
  }

  private String read(String stream) {
    try {
      Path file = directory.resolve(stream);
      return Files.exists(file) ? Files.readString(file) : "(not written to a file)";
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  /** Sends SIGTERM and returns the time until the process has ended. */
  public Duration terminate() throws InterruptedException {
    long began = System.nanoTime();
    process.destroy();
    if (!process.waitFor(60, TimeUnit.SECONDS)) {
      throw new AssertionError("did not end: " + err());
    }
    return Duration.ofNanos(System.nanoTime() - began);
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
