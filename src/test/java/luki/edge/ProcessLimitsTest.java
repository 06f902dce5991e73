package luki.edge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import luki.gateway.testing.Processes;
import luki.gateway.testing.RawHttpClient;
import luki.gateway.testing.Waiting;
import luki.http1.ByteBudget;
import luki.http1.Refusals;
import org.junit.jupiter.api.Test;

/** A process that has used up its descriptors or its memory. */
class ProcessLimitsTest {
  private static final String GET = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
  private static final String LAST = "GET /z HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
  private static final int DESCRIPTORS = 256;
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private static Process start(int descriptors, List<String> flags) throws IOException {
    List<String> line = new ArrayList<>();
    line.addAll(List.of("sh", "-c", "ulimit -n " + descriptors + " && exec \"$0\" \"$@\""));
    line.addAll(Processes.javaCommand(ChildServer.class, flags));
    return new ProcessBuilder(line).redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  private static int openIn(Process process) {
    try (Stream<Path> open = Files.list(Path.of("/proc/" + process.pid() + "/fd"))) {
      return (int) open.count();
    } catch (IOException ended) {
      throw new UncheckedIOException(ended);
    }
  }

  private static Duration workOf(Process process) {
    return process.info().totalCpuDuration().orElseThrow();
  }

  @Test
  void outOfDescriptorsItWaitsWithoutSpinningAndThenServesWhoHasWaited() throws Exception {
    assumeTrue(Files.isDirectory(Path.of("/proc/self/fd")), "descriptors are counted in /proc");
    Process process = start(DESCRIPTORS, List.of("-Xmx64m"));
    List<RawHttpClient> idle = new ArrayList<>();
    try (BufferedReader out = process.inputReader()) {
      int port = Integer.parseInt(out.readLine());
      assertTrue(RawHttpClient.readAll(port, LAST).endsWith("GET /z "));
      // With those that the process has for itself these are more than it can have.
      for (int i = 0; i < DESCRIPTORS; i++) {
        idle.add(new RawHttpClient(port));
      }
      Waiting.until(PATIENCE, () -> openIn(process), open -> open == DESCRIPTORS);
      RawHttpClient early = idle.removeFirst();
      RawHttpClient late = idle.removeLast();
      early.send(GET);
      assertTrue(early.readReply().endsWith("GET /a "));

      late.send(GET);
      late.socket().setSoTimeout(2000);
      Duration before = workOf(process);
      assertThrows(SocketTimeoutException.class, late::readReply);
      Duration work = workOf(process).minus(before);
      assertTrue(work.toMillis() < 300, "worked for " + work);
      assertEquals(DESCRIPTORS, openIn(process));

      closeAll(idle);
      late.socket().setSoTimeout(5000);
      assertTrue(late.readReply().endsWith("GET /a "));
      early.send(GET);
      assertTrue(early.readReply().endsWith("GET /a "));
      assertTrue(RawHttpClient.readAll(port, LAST).endsWith("GET /z "));
      Waiting.until(PATIENCE, () -> openIn(process), open -> open < DESCRIPTORS / 2);
      early.close();
      late.close();
    } finally {
      process.destroyForcibly();
      closeAll(idle);
    }
  }

  private static void closeAll(List<RawHttpClient> clients) throws IOException {
    for (RawHttpClient client : clients) {
      client.close();
    }
  }

  private static List<String> launchFlags() throws IOException {
    assertTrue(Files.readString(Path.of("Procfile")).contains(" @config/jvm.options "));
    return Files.readAllLines(Path.of("config/jvm.options")).stream()
        .filter(line -> line.startsWith("-X"))
        .toList();
  }

  /** The engine takes any failure of a handler for that of one request; this one is everybody's. */
  @Test
  void outOfMemoryItEndsAtOnceWithTheFlagsOfTheLaunchLine() throws Exception {
    List<String> flags = new ArrayList<>(launchFlags());
    assertTrue(flags.contains("-XX:+ExitOnOutOfMemoryError"), flags.toString());
    flags.add("-Xmx32m");
    Process process = start(DESCRIPTORS, flags);
    try (BufferedReader out = process.inputReader()) {
      int port = Integer.parseInt(out.readLine());
      assertTrue(RawHttpClient.readAll(port, LAST).endsWith("GET /z "));
      try (RawHttpClient client = new RawHttpClient(port)) {
        client.send("GET /hoard HTTP/1.1\r\nHost: h\r\n\r\n");
        assertTrue(client.isClosed());
      }
      assertTrue(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS));
      assertEquals(3, process.exitValue());
    } finally {
      process.destroyForcibly();
    }
  }

  /** A server of this engine in a process of its own: tells its port, and ends with its stdin. */
  static final class ChildServer {
    private ChildServer() {}

    /** Serves until its parent is gone. */
    public static void main(String[] arguments) throws IOException {
      HttpServer server =
          new EdgeServer(
              new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
              0,
              UsualLimits.edge(),
              ChildServer::serve,
              Refusals.BARE,
              new ByteBudget(Long.MAX_VALUE));
      server.start();
      byte[] port = (server.getAddress().getPort() + "\n").getBytes(StandardCharsets.US_ASCII);
      System.out.write(port);
      System.out.flush();
      int _ = System.in.read();
      System.exit(0);
    }

    private static void serve(HttpExchange exchange) throws IOException {
      Object[] kept = {};
      while (exchange.getRequestURI().getPath().equals("/hoard")) {
        kept = new Object[] {kept, new byte[1024 * 1024]};
      }
      EdgeTestServer.echo().handle(exchange);
    }
  }
}
