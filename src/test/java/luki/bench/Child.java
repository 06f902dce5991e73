package luki.bench;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** A process of the bench with its children; it ends with the bench, whatever happens. */
final class Child implements AutoCloseable {
  private static final long TICKS_A_SECOND = 100;
  private static final int PATIENCE_MILLIS = 20_000;

  private final Process process;
  private final Thread hook;

  private Child(Process process) {
    this.process = process;
    this.hook = new Thread(this::end);
    Runtime.getRuntime().addShutdownHook(hook);
  }

  static Child start(Path log, Map<String, String> environment, List<String> command)
      throws IOException {
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().putAll(environment);
    builder.redirectErrorStream(true).redirectOutput(log.toFile());
    return new Child(builder.start());
  }

  /** Whether the program is there. */
  static Optional<String> find(String program) {
    for (String directory : List.of("/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin")) {
      Path path = Path.of(directory, program);
      if (Files.isExecutable(path)) {
        return Optional.of(path.toString());
      }
    }
    return Optional.empty();
  }

  void awaitPort(int port) throws IOException, InterruptedException {
    long end = System.nanoTime() + PATIENCE_MILLIS * 1_000_000L;
    while (true) {
      try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
        if (socket.isConnected()) {
          return;
        }
      } catch (IOException notYet) {
        if (!process.isAlive() || System.nanoTime() > end) {
          throw new IOException("nothing listens on " + port, notYet);
        }
        Thread.sleep(20);
      }
    }
  }

  /** Seconds of processor time that it and its children have used. */
  double cpuSeconds() throws IOException {
    double sum = 0;
    for (long pid : pids()) {
      String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
      String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
      sum += (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / (double) TICKS_A_SECOND;
    }
    return sum;
  }

  /** Resident memory of all of them, in KB. */
  long residentKb() throws IOException {
    long sum = 0;
    for (long pid : pids()) {
      for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/status"))) {
        if (line.startsWith("VmRSS:")) {
          sum += Long.parseLong(line.replaceAll("[^0-9]", ""));
        }
      }
    }
    return sum;
  }

  private List<Long> pids() {
    Stream<Long> children = process.descendants().map(ProcessHandle::pid);
    return Stream.concat(Stream.of(process.pid()), children).toList();
  }

  private void end() {
    // The parent first: it would replace a worker that dies.
    List<ProcessHandle> workers = process.descendants().toList();
    process.destroyForcibly();
    workers.forEach(ProcessHandle::destroyForcibly);
  }

  @Override
  public void close() {
    end();
    try {
      process.waitFor();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
    Runtime.getRuntime().removeShutdownHook(hook);
  }
}
