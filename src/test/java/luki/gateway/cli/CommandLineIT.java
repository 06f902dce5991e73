package luki.gateway.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarFile;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import luki.gateway.config.Check;
import luki.gateway.json.Json;
import luki.gateway.testing.Processes;
import luki.gateway.testing.TestGateway;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands of the jar, run as processes. */
class CommandLineIT {
  private static final Map<String, String> DEV = Map.of("ENVIRONMENT", "dev");
  private static final Pattern KEY = Pattern.compile("luki_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}");

  private Jar jar;

  @BeforeEach
  void place(@TempDir Path directory) throws IOException {
    jar = new Jar(directory);
  }

  @AfterEach
  void unlink() throws IOException {
    jar.unlink();
  }

  private static Map<String, String> dev(String... pairs) {
    Map<String, String> environment = new HashMap<>(DEV);
    for (int i = 0; i < pairs.length; i += 2) {
      environment.put(pairs[i], pairs[i + 1]);
    }
    return environment;
  }

  private static String idOf(String key) {
    return key.split("_", -1)[1];
  }

  @Test
  void helpAndVersionExitWithZero() throws Exception {
    Jar.Ended help = jar.run(Map.of(), "help").expect(0);
    assertTrue(help.out().contains("key create --owner"));
    jar.run(Map.of(), "version").expect(0);
  }

  @Test
  void everyCommandPrintsItsUsageOnRequestAndExitsWithZero() throws Exception {
    for (String command :
        List.of(
            "serve", "check", "policy", "explain", "key create", "token mint", "audit verify")) {
      List<String> line = new ArrayList<>(List.of(command.split(" ", -1)));
      line.add("--help");
      Jar.Ended ended = jar.run(Map.of(), line.toArray(String[]::new)).expect(0);
      assertTrue(ended.out().startsWith("usage: luki " + command), ended.out());
      assertFalse(ended.out().contains("usage: luki version"), ended.out());
      assertEquals("", ended.err());
    }
    assertEquals(jar.run(Map.of(), "key", "--help").out(), jar.run(Map.of(), "help", "key").out());
    jar.run(Map.of(), "sevre", "--help").expect(2);
    assertEquals(jar.run(Map.of(), "--version").out(), jar.run(Map.of(), "version").out());
  }

  @Test
  void theErrorIsTheLastLineBehindTheUsageOfThatCommandAndNamesWhatWasMeant() throws Exception {
    Map<List<String>, String> lines =
        Map.of(
            List.of("check", "--jsno"), "unknown option: --jsno; did you mean --json?",
            List.of("sevre"), "unknown command: sevre; did you mean serve?",
            List.of("key", "rotaet", "id"), "unknown command: key rotaet; did you mean key rotate?",
            List.of("--verison"), "unknown command: --verison; did you mean --version?",
            List.of("check", "now"), "unknown argument: now",
            List.of("key"),
                "key needs a second word: key create, key list, key revoke, key rotate");
    for (Map.Entry<List<String>, String> line : lines.entrySet()) {
      String[] words = line.getKey().toArray(String[]::new);
      List<String> said = jar.run(DEV, words).expect(2).err().lines().toList();
      assertEquals("luki-gateway: " + line.getValue(), said.getLast());
      assertTrue(said.getFirst().startsWith("usage: luki "), said.toString());
      assertTrue(said.size() < 25, said.toString());
    }
    assertTrue(jar.run(DEV, "check", "--jsno").err().startsWith("usage: luki check [--json]"));
    assertEquals(
        jar.run(DEV, "policy", "--format=json").expect(0).out(),
        jar.run(DEV, "policy", "--format", "json").out());
  }

  @Test
  void theLauncherOfTheBuildFindsAJavaByItself() throws Exception {
    String home = System.getProperty("java.home");
    for (Map<String, String> where :
        List.of(
            Map.of("PATH", "/usr/bin:/bin", "JAVA_HOME", home),
            Map.of("PATH", home + "/bin:/usr/bin:/bin", "JAVA_HOME", "/nowhere"))) {
      Process process = jar.shell(where, "target/luki --version");
      assertTrue(process.waitFor(20, TimeUnit.SECONDS));
      assertEquals(0, process.exitValue(), jar.read("err"));
      assertEquals(jar.run(Map.of(), "version").out(), jar.read("out"));
    }
  }

  /** Before 25.0.4 a JVM runs the classes of a cache though the jar has other ones. */
  @Test
  void theLauncherUsesTheCacheOfThisBuildOnly(@TempDir Path build) throws Exception {
    Path java = Files.createDirectories(build.resolve("jdk/bin")).resolve("java");
    Files.writeString(
        java, "#!/bin/sh\ncase $1 in -version) echo 'version \"25\"';; *) echo \"$@\";; esac\n");
    assertTrue(java.toFile().setExecutable(true));
    for (String name : List.of("luki", "find-jdk.sh")) {
      Files.copy(Path.of("src/dev", name), build.resolve(name));
    }
    Path program = Files.createFile(build.resolve("luki-gateway.jar"));
    Path cache = Files.createFile(build.resolve("luki-gateway.aot"));
    FileTime now = FileTime.from(Instant.now());
    FileTime before = FileTime.from(Instant.now().minusSeconds(60));
    for (boolean fresh : List.of(true, false)) {
      Files.setLastModifiedTime(program, fresh ? before : now);
      Files.setLastModifiedTime(cache, fresh ? now : before);
      Process process =
          jar.shell(
              Map.of("JAVA_HOME", build.resolve("jdk").toString()),
              "sh " + build.resolve("luki") + " version");
      assertTrue(process.waitFor(20, TimeUnit.SECONDS));
      assertEquals(fresh, jar.read("out").contains("-XX:AOTCache=" + cache), jar.read("out"));
    }
  }

  @Test
  void anOlderJavaSaysWhichJavaIsNeeded() throws Exception {
    try (JarFile built = new JarFile("target/luki-gateway.jar");
        InputStream type =
            built.getInputStream(built.getEntry("luki/gateway/cli/Launcher.class"))) {
      assertEquals(52, type.readNBytes(8)[7], "Java 8 must be able to load it");
    }
    Path older;
    try (Stream<Path> homes = Files.isDirectory(JVMS) ? Files.list(JVMS) : Stream.<Path>empty()) {
      older =
          homes
              .filter(home -> home.toString().matches(".*\\b(8|11|17|21)\\b.*"))
              .map(home -> home.resolve("bin/java"))
              .filter(Files::isExecutable)
              .findFirst()
              .orElse(null);
    }
    assumeTrue(older != null, "no older Java is installed");
    Process process = jar.shell(DEV, older + " -jar target/luki-gateway.jar version");
    assertTrue(process.waitFor(20, TimeUnit.SECONDS));
    assertEquals(2, process.exitValue());
    assertTrue(
        jar.read("err").startsWith("luki-gateway: Java 25 or newer is needed"), jar.read("err"));
    assertEquals(1, jar.read("err").lines().count());
  }

  private static final Path JVMS = Path.of("/usr/lib/jvm");

  @Test
  void anUnknownCommandOrFlagExitsWithTwoAndPrintsTheUsage() throws Exception {
    for (List<String> line :
        List.of(
            List.of("sevre"),
            List.of("check", "--jsno"),
            List.of("policy", "--format", "pdf"),
            List.of("key", "create", "--owner"),
            List.of("key", "shred"))) {
      Jar.Ended ended = jar.run(DEV, line.toArray(String[]::new)).expect(2);
      assertTrue(ended.err().contains("usage:"), line.toString());
      assertEquals("", ended.out(), line.toString());
    }
  }

  private String create(Map<String, String> environment, String... flags) throws Exception {
    List<String> line = new ArrayList<>(List.of("key", "create"));
    line.addAll(List.of(flags));
    return jar.run(environment, line.toArray(String[]::new)).expect(0).out().strip();
  }

  @Test
  void aKeyIsMadeListedRotatedAndRevoked() throws Exception {
    String key = create(DEV, "--owner", "app", "--scopes", "elr:read", "--users", "u1");
    assertTrue(KEY.matcher(key).matches(), "not a key alone on stdout");
    Path file = jar.directory().resolve("config/api-keys.json");
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
    assertFalse(Files.readString(file).contains(key.substring(18)));

    Jar.Ended list = jar.run(DEV, "key", "list");
    assertTrue(list.out().contains(idOf(key)));
    assertFalse(list.out().contains(key));

    String next = jar.run(DEV, "key", "rotate", idOf(key), "--grace", "1d").out().strip();
    assertTrue(KEY.matcher(next).matches());
    jar.run(DEV, "key", "revoke", idOf(next)).expect(0);
    jar.run(DEV, "key", "revoke", idOf(next)).expect(1);
    assertTrue(jar.run(DEV, "key", "list").out().contains("revoked"));
  }

  @Test
  void aRotationSaysWhenBothKeysEnd() throws Exception {
    String key =
        create(DEV, "--owner", "app", "--scopes", "elr:read", "--users", "u1", "--expires", "1d");
    Jar.Ended rotated = jar.run(DEV, "key", "rotate", idOf(key), "--grace", "7d").expect(0);
    List<String> ends =
        Pattern.compile("ends at (\\S+)")
            .matcher(rotated.err())
            .results()
            .map(end -> end.group(1))
            .toList();
    assertEquals(2, ends.size(), rotated.err());
    assertEquals(ends.getFirst(), ends.getLast());
  }

  @Test
  void aKeyForAnUnknownScopeOrRoleIsRefused() throws Exception {
    Jar.Ended scope =
        jar.run(DEV, "key", "create", "--owner", "a", "--scopes", "elr:fly").expect(2);
    assertTrue(scope.err().contains("elr:read"), "should name the scopes that there are");
    jar.run(DEV, "key", "create", "--owner", "a", "--roles", "king").expect(2);
    jar.run(DEV, "key", "create", "--owner", "a").expect(2);
    for (String id : List.of("u;x", "a%2fb", "u%41")) {
      jar.run(DEV, "key", "create", "--owner", "a", "--scopes", "elr:read", "--users", id)
          .expect(2);
      jar.run(DEV, "token", "mint", "--sub", id, "--scopes", "elr:read").expect(2);
    }
  }

  @Test
  void aRunningGatewaySeesANewKeyAndARevokedOneWithinFiveSeconds() throws Exception {
    int port = Processes.freePort();
    Map<String, String> environment = dev("PORT", String.valueOf(port), "METRICS_ACCESS", "scope");
    Jar other = new Jar(Files.createTempDirectory(jar.directory(), "cli"));
    Path file = jar.directory().resolve("config/api-keys.json");
    Map<String, String> sameKeys = dev("API_KEYS_FILE", file.toString());
    Process process = jar.shell(environment, "java -jar target/luki-gateway.jar");
    try {
      Jar.awaitReady(port);
      String key =
          other
              .run(sameKeys, "key", "create", "--owner", "o", "--scopes", "ops:read")
              .out()
              .strip();
      awaitStatus(port, key, 200);
      other.run(sameKeys, "key", "revoke", idOf(key)).expect(0);
      awaitStatus(port, key, 401);
    } finally {
      process.destroyForcibly();
      other.unlink();
    }
  }

  private static void awaitStatus(int port, String key, int status) {
    Waiting.until(
        Duration.ofSeconds(5),
        () -> Jar.get(port, "/metrics", "X-API-Key", key),
        answer -> answer != null && answer.statusCode() == status);
  }

  @Test
  void checkNamesCriticalFindingsAndTheirPlace() throws Exception {
    Jar.Ended prod = jar.run(Map.of(), "check").expect(2);
    assertTrue(prod.out().contains("critical"));
    assertTrue(prod.out().contains("SERVICE_TOKEN_KEY_PATH"));
    assertTrue(prod.out().contains(Check.SIGNING_KEY_UNSET.reason()), prod.out());
    assertTrue(prod.out().contains(Check.SIGNING_KEY_UNSET.remedy()), prod.out());
    String url = "http://127.0.0.1:9";
    Jar.Ended dev = jar.run(dev("AGENT_URL", url, "MEMORY_URL", url), "check", "--json").expect(0);
    assertTrue(dev.out().contains("has the same address as AGENT_URL"));
    Json findings = Json.parse(dev.out().getBytes(StandardCharsets.UTF_8)).at("findings");
    assertTrue(findings.size() > 0);
    for (Json finding : findings.items()) {
      assertEquals(
          Set.of("severity", "id", "where", "text", "reason", "remedy"),
          finding.members().keySet());
    }
  }

  @Test
  void explainNamesTheStepThatRefusesAndAlwaysExitsWithZero() throws Exception {
    Path claims = Files.writeString(jar.directory().resolve("claims.json"), CLAIMS);
    Path body =
        Files.writeString(
            jar.directory().resolve("body.json"), "{\"user_id\":\"anna\",\"message\":\"hello\"}");
    String[] question = {
      "explain", "POST", "/v1/chat", "--claims", claims.toString(), "--body", body.toString()
    };
    Jar.Ended theirs = jar.run(DEV, question).expect(0);
    assertTrue(theirs.out().contains("Authenticate         pass: user maria_k"), theirs.out());
    assertTrue(theirs.out().contains("AuthorizeOwner       403 NOT_OWNER"), theirs.out());
    assertTrue(theirs.out().contains("refused: 403 NOT_OWNER"), theirs.out());
    Jar.Ended nowhere = jar.run(DEV, "explain", "GET", "/v1/nowhere").expect(0);
    assertTrue(nowhere.out().contains("404 NOT_FOUND"), nowhere.out());
    Files.writeString(body, "{\"user_id\":\"maria_k\",\"message\":\"hello\"}");
    Jar.Ended unset = jar.run(DEV, question).expect(0);
    assertTrue(unset.out().contains("agent has no URL here"), unset.out());
    assertTrue(unset.out().contains("every step that can be checked offline"), unset.out());
    Map<String, String> live = Map.of("ENVIRONMENT", "prod", "API_KEY_PEPPER", "p".repeat(32));
    Jar.Ended refused = jar.run(live, question).expect(0);
    assertTrue(refused.out().contains("refused: 503 DOWNSTREAM_NOT_CONFIGURED"), refused.out());
    Map<String, String> set = Map.of("ENVIRONMENT", "dev", "AGENT_URL", "http://127.0.0.1:1");
    Jar.Ended own = jar.run(set, question).expect(0);
    assertTrue(own.out().contains("every step that can be checked offline"), own.out());
    assertTrue(own.out().contains("calls agent"), own.out());
    Jar.Ended stranger = jar.run(DEV, "explain", "GET", "/v1/usage").expect(0);
    assertTrue(stranger.out().contains("no credential: add --claims FILE"), stranger.out());
    String[] create = {"key", "create", "--owner", "o", "--scopes", "usage:read", "--users", "*"};
    String key = jar.run(DEV, create).expect(0).out().strip();
    Jar.Ended known =
        jar.run(DEV, "explain", "GET", "/v1/usage", "--header", "X-API-Key: " + key).expect(0);
    assertTrue(known.out().contains("every step that can be checked offline"), known.out());
    assertFalse(known.out().contains("no credential"), known.out());
    Jar.Ended prod =
        jar.run(Map.of(), "explain", "GET", "/v1/usage", "--header", "X-API-Key: " + key).expect(2);
    assertTrue(prod.err().contains("API_KEY_PEPPER: is unset. "), prod.err());
    jar.run(DEV, "explain", "GET").expect(2);
    Jar.Ended small = jar.run(DEV, "explain", "get", "/healthz").expect(0);
    assertTrue(small.out().contains("methods are case-sensitive: GET"), small.out());
    jar.run(
            DEV,
            Stream.concat(Stream.of(question), Stream.of("--header", "X-API-Key: " + key))
                .toArray(String[]::new))
        .expect(2);
    for (String line : List.of("X-API-Key " + key, "X API Key: v", ": v", "Übel: x")) {
      Jar.Ended malformed = jar.run(DEV, "explain", "GET", "/v1/usage", "--header", line).expect(2);
      assertTrue(malformed.err().contains("--header must be like"), malformed.err());
    }
    jar.run(DEV, "explain", "GET", "/", "--claims", "none.json").expect(2);
  }

  private static final String CLAIMS = "{\"sub\":\"maria_k\",\"scope\":\"chat:write\"}";

  @Test
  void aMintedTokenIsAcceptedInDevAndNotMadeInProd() throws Exception {
    int port = Processes.freePort();
    Process process =
        jar.shell(dev("PORT", String.valueOf(port)), "java -jar target/luki-gateway.jar");
    try {
      Jar.awaitReady(port);
      Jar.Ended minted =
          jar.run(DEV, "token", "mint", "--sub", "maria_k", "--scopes", "elr:read", "--ttl", "5m")
              .expect(0);
      String token = "Bearer " + minted.out().strip();
      String target = "/v1/elr/items/";
      assertEquals(503, Jar.get(port, target + "maria_k", "Authorization", token).statusCode());
      assertEquals(403, Jar.get(port, target + "anna", "Authorization", token).statusCode());
      assertEquals(401, Jar.get(port, target + "anna", "Authorization", token + "A").statusCode());
    } finally {
      process.destroyForcibly();
    }
    Path key = jar.directory().resolve("config/dev-token-key.json");
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(key)));
    String[] mint = {"token", "mint", "--sub", "m", "--scopes", "elr:read"};
    Jar.Ended prod = jar.run(Map.of(), mint).expect(2);
    assertTrue(prod.err().contains("dev only"), prod.err());
    jar.run(DEV, "token", "mint", "--sub", "m", "--scopes", "elr:fly").expect(2);
  }

  @Test
  void keyChangesAreRecordedAndAChangedRecordIsNamed() throws Exception {
    Map<String, String> environment = dev("AUDIT_FILE", "audit.log");
    String key = create(environment, "--owner", "app", "--scopes", "elr:read");
    jar.run(environment, "key", "rotate", idOf(key)).expect(0);
    jar.run(environment, "key", "revoke", idOf(key)).expect(0);
    Path file = jar.directory().resolve("audit.log.cli");
    List<String> lines = Files.readAllLines(file);
    assertEquals(4, lines.size());
    assertTrue(lines.getFirst().contains(idOf(key)));
    assertFalse(String.join("", lines).contains("\"app\""), "an owner is a hash here");
    jar.run(Map.of(), "audit", "verify", "audit.log.cli").expect(0);
    Files.write(file, List.of(lines.get(0), lines.get(2), lines.get(3)));
    Jar.Ended bad = jar.run(Map.of(), "audit", "verify", "audit.log.cli").expect(1);
    assertTrue(bad.err().contains("audit.log.cli:2"), bad.err());
    jar.run(Map.of(), "audit", "verify", "nowhere.log").expect(1);
    jar.run(Map.of(), "audit", "falsify", "audit.log.cli").expect(2);
  }

  @Test
  void policyHasARowForEachRoute() throws Exception {
    String row = "| DELETE | /v1/elr/items/{id} | elr:delete | path id, before its last _ | –";
    assertTrue(jar.run(DEV, "policy").expect(0).out().contains(row));
    jar.run(DEV, "policy", "--format", "html").expect(0);
    String printed = jar.run(DEV, "policy", "--format", "json").out();
    Json json = Json.parse(printed.getBytes(StandardCharsets.UTF_8));
    assertTrue(json.at("routes").size() > 35);
  }

  @Test
  void openapiPrintsTheContractWithoutInternalKeys() throws Exception {
    Jar.Ended printed = jar.run(DEV, "openapi").expect(0);
    assertTrue(printed.out().contains("\"/v1/chat\""));
    assertFalse(printed.out().contains("x-gateway"));
  }

  @Test
  void allProblemsOfAConfigurationAreReportedTogetherWithoutSecrets() throws Exception {
    Map<String, String> bad =
        Map.of(
            "PORT", "eighty",
            "AGENT_URL", "ftp://user:hunter2@host",
            "API_KEY_PEPPER", "s3cr3t-but-short",
            "LUKI_MEMORY_SERVICE_ULR", "http://m",
            "TRUSTED_PROXIES", "10.0.0.0/99",
            "CORS_ALLOWED_ORIGINS", "https://*.example",
            "ENVIRONMENT", "dev");
    Jar.Ended ended = jar.run(bad, "serve").expect(2);
    for (String name : bad.keySet()) {
      assertTrue(name.equals("ENVIRONMENT") || ended.err().contains(name + ":"), name);
    }
    assertTrue(ended.err().contains("LUKI_MEMORY_SERVICE_URL"), "should name the nearest");
    assertFalse(ended.err().contains("hunter2"));
    assertFalse(ended.err().contains("s3cr3t"));
  }

  @Test
  void aPortInUseExitsWithTwo() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Jar.Ended ended =
          jar.run(dev("PORT", String.valueOf(taken.getLocalPort())), "serve").expect(2);
      assertTrue(ended.err().contains("PORT"));
    }
  }

  @Test
  void aBrokenContractExitsWithTwoAndNamesTheLine() throws Exception {
    Path contract = jar.directory().resolve("config/openapi.yaml");
    Files.writeString(
        contract, Files.readString(contract).replace("handler: overview", "handler: overveiw"));
    String said = jar.run(DEV, "serve").expect(2).err();
    assertTrue(said.matches("(?s).*config/openapi\\.yaml:\\d+: handler must be one of.*"), said);
  }

  private static final String PEPPER = "a pepper for this one test, long enough";

  private static String procfileLine() throws IOException {
    return Files.readString(Path.of("Procfile")).strip().replaceFirst("^web: ", "");
  }

  /** What a gateway in prod needs, and where it listens. */
  private Map<String, String> prod(int port) throws IOException {
    return Map.of(
        "PORT", Integer.toString(port),
        "API_KEY_PEPPER", PEPPER,
        "SERVICE_TOKEN_KEY_PATH", jar.signingKey().toString());
  }

  @Test
  void theProcfileCommandServesAndExitsWithZeroOnSigterm() throws Exception {
    int port = Processes.freePort();
    Process process = jar.shell(prod(port), procfileLine());
    try {
      Jar.awaitReady(port);
      assertEquals(200, Jar.get(port, "/health").statusCode());
      assertEquals(401, Jar.get(port, "/metrics").statusCode());
      process.destroy();
      assertTrue(process.waitFor(10, TimeUnit.SECONDS));
      assertEquals(0, process.exitValue());
    } finally {
      process.destroyForcibly();
    }
    assertTrue(jar.read("out").contains("\"route\":\"/health\""));
  }

  /** What a container without a shell uses for its health check. */
  @Test
  void healthAsksTheGatewayOfThisMachine() throws Exception {
    int port = Processes.freePort();
    Map<String, String> environment = prod(port);
    String refused = jar.run(environment, "health").expect(1).err();
    assertTrue(refused.contains("127.0.0.1:" + port + "/healthz"), refused);
    Process process = jar.shell(environment, procfileLine());
    try {
      Jar.awaitStatus(port, "/healthz", 200);
      jar.run(environment, "health").expect(0);
      Jar.awaitReady(port);
      jar.run(environment, "health", "--ready").expect(0);
      jar.run(environment, "health", "--now").expect(2);
    } finally {
      process.destroyForcibly();
    }
  }

  @Test
  void sighupReloadsTheFilesAndNamesTheSettingsThatNeedARestart() throws Exception {
    int port = Processes.freePort();
    Map<String, String> settings = dev("PORT", Integer.toString(port), "CONFIG_POLL_S", "0");
    Process process = jar.shell(settings, procfileLine());
    try {
      Jar.awaitReady(port);
      Path contract = jar.directory().resolve("config/openapi.yaml");
      TestGateway.edit(contract, "title: LUKi API\n", "title: LUKi API of today\n");
      Files.writeString(jar.directory().resolve(".env"), "LOG_LEVEL=DEBUG\nPORT=1\n");
      String pid = Long.toString(process.pid());
      assertEquals(0, new ProcessBuilder("kill", "-HUP", pid).start().waitFor());
      Waiting.until(
          Duration.ofSeconds(20), () -> readErr(), err -> err.contains("setting=LOG_LEVEL"));
      assertTrue(Jar.get(port, "/docs").body().contains("LUKi API of today"));
      // The environment wins over the file, so this one is the same as before.
      assertFalse(readErr().contains("setting=PORT"), readErr());
      process.destroy();
      assertTrue(process.waitFor(10, TimeUnit.SECONDS));
      assertEquals(0, process.exitValue());
    } finally {
      process.destroyForcibly();
    }
  }

  private String readErr() throws IOException {
    return jar.read("err");
  }

  @Test
  void sigtermBeforeTheProcessIsReadyDrainsToo() throws Exception {
    int port = Processes.freePort();
    Process process = jar.shell(prod(port), procfileLine());
    try {
      Jar.awaitStatus(port, "/healthz", 200);
      process.destroy();
      assertTrue(process.waitFor(10, TimeUnit.SECONDS));
      assertEquals(0, process.exitValue());
    } finally {
      process.destroyForcibly();
    }
  }

  @Test
  void inProdMissingSecretsPreventStartupAndAreNamed() throws Exception {
    long began = System.nanoTime();
    Process process =
        jar.shell(
            Map.of("PORT", Integer.toString(Processes.freePort()), "API_KEY_PEPER", "x"),
            procfileLine());
    assertTrue(process.waitFor(20, TimeUnit.SECONDS));
    assertEquals(2, process.exitValue());
    assertTrue(Duration.ofNanos(System.nanoTime() - began).toSeconds() < 10);
    String said = jar.read("err");
    assertTrue(said.contains("API_KEY_PEPPER"), said);
    assertTrue(said.contains("SERVICE_TOKEN_KEY_PATH"), said);
    // The one that is missing may be there under another name.
    assertTrue(said.contains("did you mean API_KEY_PEPPER?"), said);
  }

  @Test
  void allPlatformsUseTheSameCommand() throws IOException {
    String line = procfileLine();
    assertTrue(Files.readString(Path.of("railway.toml")).contains("\"" + line + "\""));
    List<String> image = Files.readAllLines(Path.of("Dockerfile"));
    assertEquals(
        "CMD [\"" + line.replace(" ", "\", \"") + "\"]",
        image.getLast(),
        "the last one is that of the image");
  }
}
