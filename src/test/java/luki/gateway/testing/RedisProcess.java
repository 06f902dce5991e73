package luki.gateway.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.exceptions.JedisException;
import redis.embedded.core.ExecutableProvider;

/** A real Redis process, which can be stopped, killed and restarted. */
public final class RedisProcess implements AutoCloseable {
  private static final ExecutableProvider EXECUTABLE = ExecutableProvider.newJarResourceProvider();

  private final int port;
  private final Path directory;
  private final List<String> settings;
  private Process process;

  private RedisProcess(int port, List<String> settings) throws IOException {
    this.port = port;
    this.settings = List.copyOf(settings);
    this.directory = Files.createTempDirectory("redis-test");
    this.process = launch();
  }

  /** Starts a server with these options on its command line. */
  public static RedisProcess start(String... settings) {
    return Unchecked.get(
        () -> {
          RedisProcess redis = new RedisProcess(Processes.freePort(), List.of(settings));
          redis.awaitReady();
          return redis;
        });
  }

  /** Starts a node of a cluster, without slots. */
  public static RedisProcess startNode(String... settings) {
    List<String> all = new ArrayList<>(List.of(settings));
    all.addAll(List.of("--cluster-enabled", "yes", "--cluster-node-timeout", "2000"));
    return start(all.toArray(String[]::new));
  }

  /** Starts a cluster of so many nodes, each with a part of the slots. */
  public static List<RedisProcess> startCluster(int nodes, String... settings) {
    List<RedisProcess> cluster = new ArrayList<>();
    for (int i = 0; i < nodes; i++) {
      cluster.add(startNode(settings));
    }
    int slots = 16_384;
    for (int i = 0; i < nodes; i++) {
      try (Jedis jedis = cluster.get(i).client()) {
        int[] own = new int[slots * (i + 1) / nodes - slots * i / nodes];
        for (int slot = 0; slot < own.length; slot++) {
          own[slot] = slots * i / nodes + slot;
        }
        jedis.clusterAddSlots(own);
        jedis.clusterMeet("127.0.0.1", cluster.getFirst().port);
      }
    }
    for (RedisProcess node : cluster) {
      Waiting.until(
          Duration.ofSeconds(20),
          () -> {
            try (Jedis jedis = node.client()) {
              return jedis.clusterInfo().contains("cluster_state:ok")
                  && jedis.clusterInfo().contains("cluster_known_nodes:" + nodes);
            }
          });
    }
    return cluster;
  }

  private Process launch() throws IOException {
    List<String> command = new ArrayList<>();
    command.add(EXECUTABLE.get().getAbsolutePath());
    command.addAll(List.of("--port", Integer.toString(port), "--bind", "127.0.0.1"));
    command.addAll(List.of("--dir", directory.toString(), "--appendonly", "yes"));
    command.addAll(List.of("--save", "", "--appendfsync", "always"));
    command.addAll(settings);
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.redirectOutput(directory.resolve("log").toFile());
    return builder.start();
  }

  private void awaitReady() {
    Waiting.until(
        Duration.ofSeconds(10),
        () -> {
          try (Jedis jedis = client()) {
            return jedis.ping().equals("PONG");
          } catch (JedisException notYet) {
            return false;
          }
        });
  }

  /** A new connection; to be closed. */
  public Jedis client() {
    return new Jedis("127.0.0.1", port);
  }

  public int port() {
    return port;
  }

  public String url() {
    return "redis://127.0.0.1:" + port;
  }

  /** SIGKILL; its data stay on the disk. */
  public void kill() {
    process.destroyForcibly();
    try {
      process.waitFor(5, TimeUnit.SECONDS);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Restarts it on the same port with the same data. */
  public void restart() {
    Unchecked.run(
        () -> {
          process = launch();
          awaitReady();
        });
  }

  /** SIGSTOP: connections are accepted, but nothing is answered. */
  public void freeze() {
    signal("-STOP");
  }

  public void thaw() {
    signal("-CONT");
  }

  private void signal(String which) {
    try {
      new ProcessBuilder("kill", which, Long.toString(process.pid())).start().waitFor();
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    kill();
    Processes.deleteTree(directory);
  }
}
