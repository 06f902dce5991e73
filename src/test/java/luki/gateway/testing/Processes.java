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
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/** Helpers to start processes. */
public final class Processes {
  // Below the ports that systems give to outgoing connections (from 32,768 on): one of those could
  // be taken before its listener starts. A node of a Redis cluster listens on its port + 10,000
  // too.
  private static final int LOWEST_PORT = 12_000;
  private static final int HIGHEST_PORT = 22_700;
  private static final AtomicInteger NEXT_PORT =
      new AtomicInteger(ThreadLocalRandom.current().nextInt(LOWEST_PORT, HIGHEST_PORT));

  private Processes() {}

  /** A free port, another at each call. */
  public static int freePort() {
    while (true) {
      int port = NEXT_PORT.getAndUpdate(last -> last < HIGHEST_PORT ? last + 1 : LOWEST_PORT);
      try (ServerSocket _ = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
        return port;
      } catch (IOException taken) {
        // the next
      }
    }
  }

  /** An address on which nothing listens. */
  public static String unusedUrl() {
    return "http://127.0.0.1:" + freePort();
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
