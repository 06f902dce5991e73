package luki.bench;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import luki.gateway.config.OwnerOnly;
import luki.gateway.http.Principal.Users;
import luki.gateway.http.Scope;
import luki.gateway.http.UserId;
import luki.gateway.keys.ApiKeyAdmin;
import luki.gateway.keys.KeyFile;
import luki.gateway.keys.KeyedHash;
import luki.gateway.testing.Processes;
import org.jspecify.annotations.Nullable;

/** Everything that takes part: the origin, the other proxies, and the gateway on its engines. */
final class BenchSetup implements AutoCloseable {
  private static final String PEPPER = "a pepper for the bench, long enough to be taken for one";
  private static final Path CONFIGURATIONS = Path.of("test-fixtures/bench");
  private static final Path MODULES = Path.of("/usr/lib/nginx/modules");

  private final Path directory;
  private final int agent;
  private final List<Child> children = new ArrayList<>();
  private final List<Contender> contenders = new ArrayList<>();
  private final List<String> keys;
  private final int origin;

  /**
   * Something that requests go through.
   *
   * @param child null for the way without anything between
   */
  record Contender(String name, int port, @Nullable Child child) {
    static final String DIRECT = "direct";
    static final String ENGINES = "our engines alone, no duties";
    static final String BARE = "nginx, bare proxy_pass";
    static final String DUTIES = "nginx, same duties";
    static final String CADDY = "Caddy";
    static final String LUA = "nginx with Lua, all duties";

    static String ours(String engine, String client) {
      return "ours, " + engine + " and " + client;
    }

    boolean isOurs() {
      return name.startsWith("our");
    }
  }

  /**
   * Starts the origin.
   *
   * @param keyCount API keys in the gateway's file
   */
  BenchSetup(Path directory, int keyCount) throws Exception {
    this.directory = directory;
    this.agent = Processes.freePort();
    Child _ = ours("agent", agent, JavaOrigin.class, Integer.toString(agent));
    this.keys = makeKeys(keyCount);
    this.origin = startOrigin();
  }

  /**
   * Starts everything that is compared.
   *
   * @param pairs such as {@code edge/wire}
   */
  void startContenders(List<String> pairs) throws Exception {
    contenders.add(new Contender(Contender.DIRECT, origin, null));
    for (String pair : pairs) {
      gateway(pair.split("/", 2)[0], pair.split("/", 2)[1]);
    }
    engines();
    peers();
  }

  private List<String> makeKeys(int count) throws IOException, KeyFile.Broken {
    Path file = directory.resolve("keys.json");
    Files.deleteIfExists(file);
    ApiKeyAdmin maker =
        new ApiKeyAdmin(new KeyFile(file), KeyedHash.ofPepper(PEPPER), Clock.systemUTC());
    Set<Scope> scopes = new HashSet<>();
    for (String name : List.of("engagement:write", "cognitive:read", "chat:write")) {
      scopes.add(new Scope(name));
    }
    Users users = Users.only(Set.of(new UserId("maria_k")));
    ApiKeyAdmin.Wanted wanted =
        new ApiKeyAdmin.Wanted("bench", scopes, Set.of(), users, null, null);
    List<String> made = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      if (i % 500 == 499) {
        System.err.println("API keys: " + (i + 1));
      }
      made.add(maker.create(wanted).reveal());
    }
    return made;
  }

  private Path serviceKey() throws IOException, JOSEException {
    Path file = directory.resolve("service-key.json");
    if (!Files.exists(file)) {
      String key = new ECKeyGenerator(Curve.P_256).generate().toJSONString();
      try (FileChannel out =
          OwnerOnly.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
        out.write(ByteBuffer.wrap(key.getBytes(StandardCharsets.US_ASCII)));
      }
    }
    return file;
  }

  private int startOrigin() throws Exception {
    Optional<String> nginx = Child.find("nginx");
    if (nginx.isEmpty()) {
      return agent;
    }
    int port = Processes.freePort();
    Files.write(directory.resolve("phases.json"), JavaOrigin.list());
    nginx(nginx.get(), "origin", port);
    return port;
  }

  /** The text of a file in which a name between two at signs is a value of this run. */
  private String configuration(String file, int port) throws IOException {
    return Files.readString(CONFIGURATIONS.resolve(file))
        .replace("@DIRECTORY@", directory.toString())
        .replace("@MODULES@", MODULES.toString())
        .replace("@PORT@", Integer.toString(port))
        .replace("@ORIGIN@", Integer.toString(origin))
        .replace("@KEY@", keys.getFirst())
        .replace("@PEPPER@", PEPPER);
  }

  private Child nginx(String program, String name, int port) throws Exception {
    String http =
        configuration(name + ".conf", port).replace("@LUA@", configuration("gateway.lua", port));
    String text = configuration("nginx.conf", port).replace("@NAME@", name).replace("@HTTP@", http);
    String modules = name.equals("lua") ? configuration("modules.conf", port) : "";
    Path file = Files.writeString(directory.resolve(name + ".conf"), modules + text);
    return start(
        name,
        port,
        Map.of(),
        List.of(program, "-p", directory.toString(), "-e", "stderr", "-c", file.toString()));
  }

  private Child start(String name, int port, Map<String, String> environment, List<String> command)
      throws Exception {
    Child child = Child.start(directory.resolve(name + ".out"), environment, command);
    children.add(child);
    child.awaitPort(port);
    return child;
  }

  private void gateway(String engine, String client) throws Exception {
    contenders.add(
        gateway(
            Contender.ours(engine, client), Map.of("HTTP_ENGINE", engine, "HTTP_CLIENT", client)));
  }

  /** Another gateway, with these variables besides those that all have. */
  Contender gateway(String name, Map<String, String> more) throws Exception {
    return gateway(name, "-Xmx1g", more);
  }

  Contender gateway(String name, String heap, Map<String, String> more) throws Exception {
    int port = Processes.freePort();
    Map<String, String> environment = new HashMap<>();
    String services = "http://127.0.0.1:" + origin;
    for (String service : List.of("MEMORY_URL", "COG_URL", "ENG_URL", "SECURITY_URL")) {
      environment.put(service, services);
    }
    environment.put("AGENT_URL", "http://127.0.0.1:" + agent);
    // In production the JDK's server is refused; in development replies are compared with the
    // contract, which costs time.
    environment.put("ENVIRONMENT", "jdk".equals(more.get("HTTP_ENGINE")) ? "dev" : "prod");
    environment.put("SERVICE_TOKEN_KEY_PATH", serviceKey().toString());
    environment.put("HOST", "127.0.0.1");
    environment.put("PORT", Integer.toString(port));
    environment.put("API_KEYS_FILE", directory.resolve("keys.json").toString());
    environment.put("API_KEY_PEPPER", PEPPER);
    environment.put("GATEWAY_CONFIG", roomy().toString());
    environment.put("CONSENT_CACHE_S", "30");
    environment.put("RATE_LIMIT_PER_MIN", "6000000");
    environment.putAll(more);
    Child child =
        start(
            name.replaceAll("[^a-zA-Z]+", "-"),
            port,
            environment,
            List.of(
                Processes.java(),
                "@config/jvm.options",
                heap,
                "-jar",
                "target/luki-gateway.jar",
                "serve"));
    return new Contender(name, port, child);
  }

  private Child ours(String name, int port, Class<?> main, String... arguments) throws Exception {
    return start(name, port, Map.of(), Processes.javaCommand(main, List.of("-Xmx1g"), arguments));
  }

  /** What the engines cost before the gateway does anything: the floor under its figures. */
  private void engines() throws Exception {
    int port = Processes.freePort();
    String[] ports = {Integer.toString(port), Integer.toString(origin)};
    Child child = ours("engines", port, BareEngines.class, ports);
    contenders.add(new Contender(Contender.ENGINES, port, child));
  }

  /** The bulkheads would shed what the other proxies let pass, and there is one caller only. */
  private Path roomy() throws IOException {
    String text = Files.readString(Path.of("config/gateway.yaml"));
    return Files.writeString(
        directory.resolve("gateway.yaml"),
        text.replaceAll("max_concurrent: \\d+", "max_concurrent: 8192")
            .replaceAll("percent: \\d+", "percent: 100"));
  }

  private void peers() throws Exception {
    Optional<String> nginx = installed("nginx");
    if (nginx.isPresent()) {
      int bare = Processes.freePort();
      contenders.add(new Contender(Contender.BARE, bare, nginx(nginx.get(), "bare", bare)));
      int duties = Processes.freePort();
      contenders.add(new Contender(Contender.DUTIES, duties, nginx(nginx.get(), "duties", duties)));
    }
    if (nginx.isPresent() && Files.exists(MODULES.resolve("ngx_http_lua_module.so"))) {
      int port = Processes.freePort();
      contenders.add(new Contender(Contender.LUA, port, nginx(nginx.get(), "lua", port)));
    } else {
      System.err.println("skipped: nginx has no Lua module (make bench-peers)");
    }
    peer("HAProxy", "haproxy", "-f");
    peer(Contender.CADDY, "caddy", "run", "--adapter", "caddyfile", "--config");
  }

  /** A proxy whose last argument is its configuration, made for its port and the origin's. */
  private void peer(String name, String program, String... arguments) throws Exception {
    Optional<String> found = installed(program);
    if (found.isPresent()) {
      int port = Processes.freePort();
      Path file = directory.resolve(program + ".cfg");
      Files.writeString(file, configuration(program + ".cfg", port));
      List<String> command = new ArrayList<>(List.of(found.get()));
      command.addAll(List.of(arguments));
      command.add(file.toString());
      contenders.add(new Contender(name, port, start(program, port, Map.of(), command)));
    }
  }

  /** A Redis; none where none is installed. */
  Optional<Child> redis(int port) throws Exception {
    Optional<String> server = installed("redis-server");
    if (server.isEmpty()) {
      return Optional.empty();
    }
    String[] settings = {"--port", Integer.toString(port), "--bind", "127.0.0.1", "--save", ""};
    List<String> command = new ArrayList<>(List.of(server.get()));
    command.addAll(List.of(settings));
    return Optional.of(start("redis", port, Map.of(), command));
  }

  private static Optional<String> installed(String program) {
    Optional<String> found = Child.find(program);
    if (found.isEmpty()) {
      System.err.println("skipped: " + program + " is not installed (make bench-peers)");
    }
    return found;
  }

  List<Contender> contenders() {
    return List.copyOf(contenders);
  }

  Optional<Contender> named(String name) {
    return contenders.stream().filter(one -> one.name().equals(name)).findFirst();
  }

  String key() {
    return keys.getFirst();
  }

  List<String> keys() {
    return keys;
  }

  Path directory() {
    return directory;
  }

  @Override
  public void close() {
    children.reversed().forEach(Child::close);
  }

  /** A process of the bench with its children; it ends with the bench, whatever happens. */
  static final class Child implements AutoCloseable {
    private static final long TICKS_A_SECOND = 100;
    private static final int PATIENCE_MILLIS = 20_000;

    private final Process process;
    private final Thread hook;

    private Child(Process process) {
      this.process = process;
      this.hook = new Thread(this::end);
      Runtime.getRuntime().addShutdownHook(hook);
    }

    /**
     * Starts it in a session of its own where that is possible: Linux shares its processors out
     * among sessions, so that a program with many threads gets no more than one with two.
     */
    static Child start(Path log, Map<String, String> environment, List<String> program)
        throws IOException {
      List<String> command = new ArrayList<>();
      find("setsid").ifPresent(command::add);
      command.addAll(program);
      ProcessBuilder builder = new ProcessBuilder(command);
      builder.environment().putAll(environment);
      builder.redirectErrorStream(true).redirectOutput(log.toFile());
      return new Child(builder.start());
    }

    /** Whether the program is there. */
    static Optional<String> find(String program) {
      for (String directory :
          List.of("/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin")) {
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

    /** Sends a command to its JVM. */
    void jcmd(String... command) throws IOException, InterruptedException {
      List<String> all = new ArrayList<>();
      all.add(Path.of(Processes.java()).resolveSibling("jcmd").toString());
      all.add(Long.toString(process.pid()));
      all.addAll(List.of(command));
      Process asked = new ProcessBuilder(all).redirectErrorStream(true).start();
      String answer = new String(asked.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (asked.waitFor() != 0) {
        throw new IOException("jcmd failed:\n" + answer);
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

    /** Of the process and those below it. */
    List<Long> pids() {
      Stream<Long> children = process.descendants().map(ProcessHandle::pid);
      return Stream.concat(Stream.of(process.pid()), children).toList();
    }

    /** Sends SIGTERM. */
    void terminate() {
      process.destroy();
    }

    int waitFor() throws InterruptedException {
      return process.waitFor();
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
}
