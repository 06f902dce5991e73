package luki.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** As many requests as a number of connections can make: by wrk, or by a small one of our own. */
final class Load {
  private static final Pattern RATE = Pattern.compile("Requests/sec:\\s+([0-9.]+)");
  private static final Pattern WRONG =
      Pattern.compile("Non-2xx or 3xx responses: (\\d+)|Socket errors: (.*)");

  private final Path directory;
  private final Optional<String> wrk = Child.find("wrk");

  Load(Path directory) {
    this.directory = directory;
  }

  String generator() {
    return wrk.isPresent() ? "wrk" : "the bench's own, in Java (wrk is not installed)";
  }

  /** Requests a second. Replies that are no success end the bench: they would flatter. */
  double run(Workload work, String key, int port, int connections, Duration time)
      throws IOException, InterruptedException {
    return wrk.isPresent()
        ? byWrk(work, key, port, connections, time)
        : new ClosedLoop(work.bytes(key), port).run(connections, time);
  }

  boolean hasWrk() {
    return wrk.isPresent();
  }

  private double byWrk(Workload work, String key, int port, int connections, Duration time)
      throws IOException, InterruptedException {
    Path script = Files.writeString(directory.resolve("load.lua"), work.wrkScript(key));
    return runScript(script, work, port, connections, time);
  }

  /** Requests a second that a script of wrk's makes. */
  double runScript(Path script, Workload work, int port, int connections, Duration time)
      throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                List.of(
                    wrk.orElseThrow(),
                    "-t1",
                    "-c" + connections,
                    "-d" + time.toSeconds() + "s",
                    "-s" + script,
                    "http://127.0.0.1:" + port + work.path()))
            .redirectErrorStream(true)
            .start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    Matcher rate = RATE.matcher(said);
    Matcher wrong = WRONG.matcher(said);
    if (!rate.find() || wrong.find()) {
      throw new IOException("the load did not go well:\n" + said);
    }
    return Double.parseDouble(rate.group(1));
  }
}
