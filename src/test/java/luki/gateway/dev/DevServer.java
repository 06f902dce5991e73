package luki.gateway.dev;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.SocketException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import luki.gateway.app.Configuration;
import luki.gateway.app.ServeProcess;
import luki.gateway.config.Environment;
import luki.gateway.config.Problems;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.config.Settings;
import luki.gateway.config.Variable;
import luki.gateway.http.Principal.Users;
import luki.gateway.http.Scope;
import luki.gateway.http.UserId;
import luki.gateway.keys.ApiKeyAdmin;
import luki.gateway.keys.KeyFile;
import luki.gateway.keys.KeyedHash;
import luki.gateway.standin.Fixture;
import luki.gateway.standin.StandIns;

/** The gateway at a desk: {@code dev}, everything embedded, a demo key, curl lines to paste. */
public final class DevServer {
  static final Path DEMO_KEY = Path.of("target/demo-key");

  // The key file may be that of another gateway: a key that was left there must end.
  private static final Duration LIFE = Duration.ofDays(7);

  private DevServer() {}

  /** Runs until it is stopped. Exit code 2 for a configuration that cannot be used. */
  public static void main(String[] arguments) throws Exception {
    try {
      serve(new FileOutputStream(FileDescriptor.out));
    } catch (BadConfiguration bad) {
      System.err.println("luki-gateway: invalid configuration:");
      bad.problems().forEach(problem -> System.err.println("  " + problem));
      System.exit(2);
    }
  }

  private static void serve(OutputStream out)
      throws BadConfiguration, IOException, InterruptedException, KeyFile.Broken {
    Map<String, String> environment = new HashMap<>(System.getenv());
    Environment before = Environment.of(environment, Path.of(".env"), new Problems());
    if (before.get(Variable.ENVIRONMENT) == null) {
      environment.put(Variable.ENVIRONMENT.name(), "dev");
    }
    Set<String> unset = new HashSet<>();
    StandIns.VARIABLE_OF_SERVICE.forEach(
        (service, variable) -> {
          if (before.get(Variable.valueOf(variable)) == null) {
            unset.add(service);
          }
        });
    if (!unset.isEmpty()) {
      environment.putAll(StandIns.start(unset).urls());
    }
    Problems problems = new Problems();
    Configuration configuration =
        Configuration.of(Environment.of(environment, Path.of(".env"), problems), problems);
    checkPort(configuration.settings());
    String key = demoKey(configuration);
    boolean isShort =
        configuration.settings().dev() && System.getProperty("luki.lines", "").equals("short");
    ServeProcess.serve(
        configuration,
        isShort ? new RequestLines(out, Boolean.getBoolean("luki.colour")) : out,
        System.err,
        gateway -> {
          removeOthers(configuration, key);
          System.err.print(Banner.of(gateway.address().getPort(), unset, environment));
        });
  }

  /** Before the key of the gateway that runs there is replaced. */
  private static void checkPort(Settings settings) throws BadConfiguration {
    InetSocketAddress address = new InetSocketAddress(settings.host(), settings.port());
    try (ServerSocket port = new ServerSocket()) {
      port.bind(address);
    } catch (SocketException refused) {
      throw BadConfiguration.ofAddress(address, refused);
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  /** A new key for each start, written to a file for the curl lines. */
  private static String demoKey(Configuration configuration)
      throws BadConfiguration, IOException, KeyFile.Broken {
    ApiKeyAdmin maker =
        new ApiKeyAdmin(
            keyFile(configuration), KeyedHash.ofPepper(configuration.pepper()), Clock.systemUTC());
    Set<Scope> scopes = new HashSet<>();
    List.of("usage:read", "ops:read").forEach(name -> scopes.add(new Scope(name)));
    Fixture.SCOPES.forEach(name -> scopes.add(new Scope(name)));
    Users users = Users.only(Set.of(new UserId("maria_k"), new UserId("anna")));
    Instant end = Instant.now().plus(LIFE);
    String owner = owner(configuration);
    String key =
        maker.create(new ApiKeyAdmin.Wanted(owner, scopes, Set.of(), users, null, end)).reveal();
    Files.createDirectories(DEMO_KEY.getParent());
    Files.deleteIfExists(DEMO_KEY);
    Files.createFile(
        DEMO_KEY,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    Files.writeString(DEMO_KEY, key + "\n", StandardOpenOption.WRITE);
    return key;
  }

  /** Once the port is ours, no gateway uses the keys of earlier starts on it. */
  private static void removeOthers(Configuration configuration, String key) {
    String owner = owner(configuration);
    try {
      keyFile(configuration)
          .change(
              keys ->
                  keys.stream()
                      .filter(
                          each ->
                              !each.owner().equals(owner) || key.startsWith("luki_" + each.id()))
                      .toList());
    } catch (IOException | KeyFile.Broken failed) {
      throw new IllegalStateException("the keys of earlier starts stay", failed);
    }
  }

  private static KeyFile keyFile(Configuration configuration) {
    return new KeyFile(configuration.settings().keyFile());
  }

  private static String owner(Configuration configuration) {
    return "make-run-" + configuration.settings().port();
  }
}
