package luki.gateway.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Helpers to start processes. */
public final class Processes {
  // A node of a Redis cluster listens for other nodes on its port + 10,000.
  private static final int HIGHEST_PORT = 50_000;

  private Processes() {}

  /** A free port. */
  public static int freePort() throws IOException {
    while (true) {
      try (ServerSocket any = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
        if (any.getLocalPort() < HIGHEST_PORT) {
          return any.getLocalPort();
        }
      }
    }
  }

  /** An address on which nothing listens. */
  public static String unusedUrl() {
    return Unchecked.get(() -> "http://127.0.0.1:" + freePort());
  }

  /** Whether something listens on a port of this machine. */
  public static boolean accepts(int port) {
    try (Socket _ = new Socket(InetAddress.getLoopbackAddress(), port)) {
      return true;
    } catch (IOException refused) {
      return false;
    }
  }

  /** Deletes a directory with all that is in it. */
  public static void deleteTree(Path directory) {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  /** The java executable that runs the tests. */
  public static String java() {
    return Path.of(System.getProperty("java.home"), "bin", "java").toString();
  }

  /** A command line for a main class, with the class path of the tests. */
  public static List<String> javaCommand(Class<?> main, List<String> flags, String... arguments) {
    List<String> command = new ArrayList<>(List.of(java()));
    command.addAll(flags);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    command.addAll(List.of(arguments));
    return command;
  }
}
