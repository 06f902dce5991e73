package luki.gateway.testing;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import luki.gateway.app.Configuration;
import luki.gateway.app.Explanation;
import luki.gateway.app.Gateway;
import luki.gateway.app.ServeProcess;
import luki.gateway.config.Environment;
import luki.gateway.config.Problems;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.http.Principal.Users;
import luki.gateway.http.Scope;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.keys.ApiKeyAdmin;
import luki.gateway.keys.KeyEntry;
import luki.gateway.keys.KeyFile;
import luki.gateway.keys.KeyedHash;

/**
 * A gateway made as by {@code serve}, in {@code dev}, on a free port. Its keys are made for it and
 * deleted with it.
 */
public final class TestGateway implements AutoCloseable {
  private static final String PEPPER = "a pepper that only the tests know, long enough";

  private final Gateway wiring;
  private final Path directory;
  private final ApiKeyAdmin keys;
  private final Log log;
  private final Path keyFile;

  private TestGateway(Gateway wiring, Path directory, ApiKeyAdmin keys, Log log, Path keyFile) {
    this.keyFile = keyFile;
    this.wiring = wiring;
    this.directory = directory;
    this.keys = keys;
    this.log = log;
  }

  /** Starts a gateway with these environment variables. */
  public static TestGateway start(Map<String, String> variables) {
    return new Builder().with(variables).start();
  }

  /** Whether the tests run on the server edge; the JDK's server is lenient in known ways. */
  public static boolean isEdge() {
    return System.getProperty("luki.engine", "edge").equals("edge");
  }

  /** Whether the tests run on our own client engine; the JDK's cannot open a fresh connection. */
  public static boolean isWire() {
    return client().equals("wire");
  }

  private static String client() {
    return System.getProperty("luki.client", "wire");
  }

  public static Builder builder() {
    return new Builder();
  }

  /** Variables, keys, and changes to {@code config/gateway.yaml}. */
  public static final class Builder {
    private final Map<String, String> variables = new HashMap<>();
    private final Map<String, String> yaml = new HashMap<>();
    private OutputStream stdout = OutputStream.nullOutputStream();
    private boolean webhooks;

    public Builder with(Map<String, String> more) {
      variables.putAll(more);
      return this;
    }

    /** Copies the access log to this stream too. */
    public Builder logTo(OutputStream out) {
      stdout = out;
      return this;
    }

    public Builder with(String name, String value) {
      variables.put(name, value);
      return this;
    }

    /** Switches webhooks on, with a key made now and a file that is deleted with the gateway. */
    public Builder webhooks() {
      webhooks = true;
      return this;
    }

    /** Replaces a line of the file, such as {@code "first_event: 60s"}, wherever it is. */
    public Builder yaml(String line, String other) {
      yaml.put(line, other);
      return this;
    }

    public TestGateway start() {
      try {
        Path directory = Files.createTempDirectory("gateway-test");
        variables.putIfAbsent("ENVIRONMENT", "dev");
        variables.putIfAbsent("HOST", "127.0.0.1");
        variables.putIfAbsent("PORT", "0");
        variables.putIfAbsent("LOG_LEVEL", "ERROR");
        // The same tests run on each pair of engines.
        variables.putIfAbsent("HTTP_ENGINE", isEdge() ? "edge" : "jdk");
        variables.putIfAbsent("HTTP_CLIENT", client());
        variables.putIfAbsent("API_KEY_PEPPER", PEPPER);
        // Tests of other features call faster than the default limit.
        variables.putIfAbsent("RATE_LIMIT_PER_MIN", "0");
        variables.putIfAbsent("AUTH_FAILURES_PER_MIN", "0");
        variables.putIfAbsent("API_KEYS_FILE", directory.resolve("keys.json").toString());
        variables.putIfAbsent("ROLLOUT_FILE", directory.resolve("rollout.json").toString());
        variables.putIfAbsent("GATEWAY_CONFIG", gatewayFile(directory).toString());
        if (webhooks && !variables.containsKey("WEBHOOKS_PATH")) {
          Path key = Files.writeString(directory.resolve("key"), UUID.randomUUID().toString());
          variables.put("WEBHOOKS_PATH", directory.resolve("webhooks").toString());
          variables.put("WEBHOOKS_KEY_PATH", key.toString());
        }
        Problems problems = new Problems();
        Environment environment = Environment.of(variables, directory.resolve("no.env"), problems);
        Configuration configuration = Configuration.of(environment, problems);
        ServeProcess.configureClients();
        Gateway wiring = new Gateway(configuration);
        Log log = new Log(stdout);
        wiring.accept(log);
        wiring.ready();
        ApiKeyAdmin keys =
            new ApiKeyAdmin(
                new KeyFile(configuration.settings().keyFile()),
                KeyedHash.ofPepper(variables.get("API_KEY_PEPPER")),
                Clock.systemUTC());
        return new TestGateway(wiring, directory, keys, log, configuration.settings().keyFile());
      } catch (IOException failed) {
        throw new UncheckedIOException(failed);
      } catch (BadConfiguration bad) {
        throw new IllegalArgumentException(bad.problems().toString(), bad);
      }
    }

    private Path gatewayFile(Path directory) throws IOException {
      // Other programs may leave these tests little of the processors.
      yaml.putIfAbsent("max_queue_delay: 10ms", "max_queue_delay: 0ms");
      String text = Files.readString(Path.of("config/gateway.yaml"));
      for (Map.Entry<String, String> change : yaml.entrySet()) {
        if (!text.contains(change.getKey())) {
          throw new IllegalArgumentException("not in gateway.yaml: " + change.getKey());
        }
        text = text.replace(change.getKey(), change.getValue());
      }
      return Files.writeString(directory.resolve("gateway.yaml"), text);
    }
  }

  /** A key for these users ({@code *} for all) with these scopes, valid at once. */
  public String key(List<String> users, String... scopes) {
    return key(users, null, scopes);
  }

  /** A key that expires at that time. */
  public String key(List<String> users, Instant expires, String... scopes) {
    return make(users, scopesOf(scopes), Set.of(), null, expires);
  }

  /** A key of a plan. */
  public String keyOfPlan(String plan, List<String> users, String... scopes) {
    return make(users, scopesOf(scopes), Set.of(), plan, null);
  }

  /** A key with a role instead of scopes. */
  public String keyWithRole(List<String> users, String role) {
    return make(users, Set.of(), Set.of(role), null, null);
  }

  private static Set<Scope> scopesOf(String... names) {
    return Arrays.stream(names).map(Scope::new).collect(Collectors.toSet());
  }

  private String make(
      List<String> users, Set<Scope> scopes, Set<String> roles, String plan, Instant expires) {
    try {
      Users owned = KeyEntry.usersOf(users, "tester");
      ApiKeyAdmin.Wanted wanted =
          new ApiKeyAdmin.Wanted("tester", scopes, roles, owned, plan, expires);
      String key = keys.create(wanted).reveal();
      wiring.refreshKeys();
      return key;
    } catch (IOException | KeyFile.Broken failed) {
      throw new IllegalStateException(failed);
    }
  }

  /** Explains what the filters do with a request, without a listener. */
  public Explanation explanation() {
    return wiring.explanation();
  }

  public ApiKeyAdmin keys() {
    return keys;
  }

  /** Revokes the key at once. */
  public void revoke(String key) {
    Unchecked.run(() -> keys.revoke(key.split("_", -1)[1]));
    refreshKeys();
  }

  public void refreshKeys() {
    wiring.refreshKeys();
  }

  /** Replaces text of its {@code gateway.yaml}; {@link #reload} or its next look takes it over. */
  public void edit(String text, String other) {
    edit(directory.resolve("gateway.yaml"), text, other);
  }

  /** Replaces text of a file in one step. */
  public static void edit(Path file, String text, String other) {
    try {
      String before = Files.readString(file);
      if (!before.contains(text)) {
        throw new IllegalArgumentException("not in " + file + ": " + text);
      }
      Path next = Files.writeString(file.resolveSibling("next"), before.replace(text, other));
      Files.move(next, file, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  /** Reads the configuration again, as SIGHUP does. */
  public void reload() {
    wiring.reload();
  }

  /** How many reloads had this outcome. */
  public double reloads(String outcome) {
    return Double.parseDouble(
        metric("luki_gateway_config_reloads_total{outcome=\"" + outcome + "\"}"));
  }

  /** Changes a list of a key in the key file, as an operator does by hand. */
  public void editKey(String key, String member, String... names) {
    String id = key.split("_", -1)[1];
    try {
      Json root = Json.parse(Files.readAllBytes(keyFile));
      List<Json> entries = new ArrayList<>();
      for (Json entry : root.at("keys").items()) {
        boolean isIt = entry.at("id").string("").equals(id);
        Json list = Json.strings(List.of(names));
        entries.add(isIt ? entry.toBuilder().put(member, list).build() : entry);
      }
      Json changed = root.toBuilder().put("keys", Json.array(entries)).build();
      Path next = Files.writeString(directory.resolve("next.json"), changed.toString());
      Files.move(next, keyFile, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException | InvalidJson failed) {
      throw new IllegalStateException(failed);
    }
  }

  public int port() {
    return wiring.address().getPort();
  }

  public Path directory() {
    return directory;
  }

  /** Its key file, for another gateway that shares the keys. */
  public String keyFile() {
    return keyFile.toString();
  }

  /** The access log so far: one JSON object per line. */
  public List<String> log() {
    return log.lines();
  }

  /** Waits until the log has so many lines. */
  public List<String> awaitLog(int lines) {
    return Waiting.until(Duration.ofSeconds(5), this::log, found -> found.size() >= lines);
  }

  /** A caller for maria_k with these scopes. */
  public Client client(String... scopes) {
    return new Client(this, key(List.of("maria_k"), scopes));
  }

  /** A caller without a credential. */
  public Client stranger() {
    return new Client(this, null);
  }

  /** Waits until it says that it is ready. */
  public void awaitReady() {
    Waiting.until(Duration.ofSeconds(15), () -> stranger().get("/readyz").status() == 200);
  }

  /** The sample of a metric with these labels, as it is written; "absent" where there is none. */
  public String metric(String nameAndLabels) {
    return stranger()
        .get("/metrics")
        .body()
        .lines()
        .filter(line -> line.startsWith(nameAndLabels + " "))
        .map(line -> line.substring(nameAndLabels.length() + 1))
        .findFirst()
        .orElse("absent");
  }

  /** Drains as SIGTERM does. */
  public void drain() throws InterruptedException {
    wiring.drain();
  }

  /** What requests hold of the memory budget, in bytes. */
  public long heldMemory() {
    return wiring.heldMemory();
  }

  @Override
  public void close() {
    wiring.close();
    // Whatever the test did: all was given back.
    Waiting.until(Duration.ofSeconds(5), this::heldMemory, held -> held == 0);
    Processes.deleteTree(directory);
  }

  private static final class Log extends OutputStream {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final OutputStream also;

    Log(OutputStream also) {
      this.also = also;
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] from, int offset, int length) throws IOException {
      also.write(from, offset, length);
      synchronized (this) {
        bytes.write(from, offset, length);
      }
    }

    synchronized List<String> lines() {
      return bytes.toString(StandardCharsets.UTF_8).lines().toList();
    }
  }
}
