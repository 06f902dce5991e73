package luki.gateway.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** A proxy with its file of {@code config/deploy}, and how its program is started with it. */
public record Proxy(String file, List<String> command) {
  public static final Proxy NGINX =
      of(
          "nginx.conf",
          "nginx",
          "-e",
          "stderr",
          "-g",
          "daemon off;",
          "-p",
          "DIRECTORY",
          "-c",
          "FILE");

  public static final Proxy HAPROXY = of("haproxy.cfg", "haproxy", "-f", "FILE");

  public static final Proxy CADDY =
      of("Caddyfile", "caddy", "run", "--adapter", "caddyfile", "--config", "FILE");

  private static Proxy of(String file, String... command) {
    return new Proxy(file, List.of(command));
  }

  /** Its process. */
  public record Running(Process process) implements AutoCloseable {
    @Override
    public void close() {
      process.descendants().forEach(ProcessHandle::destroy);
      process.destroy();
      ProcessHandle _ = process.onExit().join().toHandle();
    }
  }

  public boolean isInstalled() {
    return program().isPresent();
  }

  private Optional<Path> program() {
    return Stream.of("/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin")
        .map(place -> Path.of(place, command.getFirst()))
        .filter(Files::isExecutable)
        .findFirst();
  }

  /** Starts it before two gateways, which need not listen yet. */
  public Running start(Path directory, int port, List<Integer> gateways) throws IOException {
    Path program =
        program().orElseThrow(() -> new IOException(command.getFirst() + " is not installed"));
    Path configuration = configure(directory, port, gateways);
    List<String> line =
        Stream.concat(Stream.of(program.toString()), command.stream().skip(1))
            .map(word -> word.equals("FILE") ? configuration.toString() : word)
            .map(word -> word.equals("DIRECTORY") ? directory.toString() : word)
            .toList();
    return new Running(
        new ProcessBuilder(line)
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("output").toFile())
            .start());
  }

  /** Its file, for these ports on this machine instead of the container names. */
  private Path configure(Path directory, int port, List<Integer> gateways) throws IOException {
    String text =
        Files.readString(Path.of("config/deploy", file))
            .replace("gateway-1:8081", "127.0.0.1:" + gateways.get(0))
            .replace("gateway-2:8081", "127.0.0.1:" + gateways.get(1))
            .replace("listen 8080", "listen 127.0.0.1:" + port)
            .replace("bind :8080", "bind 127.0.0.1:" + port)
            .replace(
                ":8080 {", "{\n\tadmin off\n\tauto_https off\n}\nhttp://127.0.0.1:" + port + " {");
    if (file.equals("nginx.conf")) {
      Files.createDirectories(directory.resolve("logs"));
      text = "events {}\npid nginx.pid;\nhttp {\naccess_log off;\n" + text + "}\n";
    }
    return Files.writeString(directory.resolve(file), text);
  }
}
