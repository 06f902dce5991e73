package luki.gateway.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.OctetKeyPair;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.KeyPairGenerator;
import java.security.spec.ECGenParameterSpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import luki.gateway.app.Configuration;
import luki.gateway.app.Gateway;
import luki.gateway.config.ConfigurationCheck.Finding;
import luki.gateway.config.ConfigurationCheck.Severity;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.http.Upstream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Mistakes in a configuration that is valid: {@code check} names the place and what to do. */
class ConfigurationCheckTest {
  @TempDir Path directory;

  private Configuration configuration(String... pairs) throws BadConfiguration {
    Map<String, String> variables = new HashMap<>();
    variables.put("ENVIRONMENT", "dev");
    for (int i = 0; i < pairs.length; i += 2) {
      variables.put(pairs[i], pairs[i + 1]);
    }
    Problems problems = new Problems();
    return Configuration.of(
        Environment.of(variables, directory.resolve(".env"), problems), problems);
  }

  /** The findings about one place. */
  private List<Finding> about(String where, String... pairs) throws Exception {
    return configuration(pairs).findings().stream().filter(f -> f.where().equals(where)).toList();
  }

  private void warns(String where, String text, String... pairs) throws Exception {
    List<Finding> found = about(where, pairs);
    assertEquals(1, found.size(), found.toString());
    assertEquals(Severity.WARNING, found.getFirst().severity());
    assertTrue(found.getFirst().text().contains(text), found.toString());
  }

  private String gatewayFile(String from, String to) throws IOException {
    String text = Files.readString(Path.of("config/gateway.yaml"));
    assertTrue(text.contains(from), from);
    return Files.writeString(directory.resolve("gateway.yaml"), text.replace(from, to)).toString();
  }

  @Test
  void thePageListsEachKindOfFindingAndNoOther() throws Exception {
    List<String> rows =
        Arrays.stream(Check.values())
            .map(
                check -> {
                  String prod = check.severity(true).name().toLowerCase(Locale.ROOT);
                  String dev = check.severity(false).name().toLowerCase(Locale.ROOT);
                  String severity = dev.equals(prod) ? dev : dev + "; " + prod + " in prod";
                  return "| `%s` | %s | %s | %s |"
                      .formatted(check.id(), severity, check.reason(), check.remedy());
                })
            .toList();
    assertEquals(
        rows,
        Files.readAllLines(Path.of("src/docs/CHECKS.md")).stream()
            .filter(line -> line.startsWith("| `"))
            .toList());
  }

  @Test
  void aScopeThatNoOperationAsksForIsFoundWithTheNearest() throws Exception {
    String role = gatewayFile("  researcher:\n", "  researcher:\n    - chat:wirte\n");
    warns("roles/researcher", "chat:wirte; the nearest is chat:write", "GATEWAY_CONFIG", role);
    String caller =
        gatewayFile("plans:\n", "services:\n  s: {keys: [k], scopes: [elr:raed]}\nplans:\n");
    warns("services/s", "elr:raed; the nearest is elr:read", "GATEWAY_CONFIG", caller);
    for (Finding finding : configuration().findings()) {
      assertFalse(finding.where().contains("/"), finding.toString());
    }
  }

  @Test
  void repliesInRedisWithAKeyOfTheProcessAreFound() throws Exception {
    String redis = "redis://127.0.0.1:6379";
    warns("IDEMPOTENCY_KEY_PATH", "unset", "REDIS_URL", redis);
    Path file = directory.resolve("replies.key");
    OwnerOnly.write(file, new byte[0], StandardOpenOption.CREATE_NEW);
    Files.writeString(file, "k".repeat(44));
    assertEquals(
        List.of(),
        about("IDEMPOTENCY_KEY_PATH", "REDIS_URL", redis, "IDEMPOTENCY_KEY_PATH", file.toString()));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
    warns("IDEMPOTENCY_KEY_PATH", "600", "IDEMPOTENCY_KEY_PATH", file.toString());
  }

  @Test
  void sharesThatAnAbortCannotWriteAreFoundWhereAServiceHasVersions() throws Exception {
    String one =
        gatewayFile(
            "agent:\n    connect: 1s",
            "agent:\n    versions: {canary: \"http://c:1\"}\n    connect: 1s");
    Path noDirectory = Files.writeString(directory.resolve("plain"), "");
    String unwritable = noDirectory.resolve("rollout.json").toString();
    warns("ROLLOUT_FILE", "written", "GATEWAY_CONFIG", one, "ROLLOUT_FILE", unwritable);
    assertEquals(List.of(), about("ROLLOUT_FILE", "ROLLOUT_FILE", unwritable));
    for (String writable : List.of("rollout.json", "made/later/rollout.json")) {
      String path = directory.resolve(writable).toString();
      assertEquals(List.of(), about("ROLLOUT_FILE", "GATEWAY_CONFIG", one, "ROLLOUT_FILE", path));
    }
  }

  @Test
  void anUnknownNameInTheEnvFileIsFound() throws Exception {
    Path file = directory.resolve(".env");
    OwnerOnly.write(file, new byte[0], StandardOpenOption.CREATE_NEW);
    Files.writeString(
        file,
        """
        JWT_AUDIANCE=a-value
        COLOUR=a-value
        SHOP_PORT=a-value
        export redis_url=a-value
        OTEL_BSP_SCHEDULE_DELAY=1
        REPLICAS=1
        """);
    warns("JWT_AUDIANCE", "did you mean JWT_AUDIENCE?");
    warns("redis_url", "did you mean REDIS_URL?");
    for (String name : List.of("COLOUR", "SHOP_PORT")) {
      warns(name, "is not a variable of the gateway");
      assertFalse(about(name).getFirst().text().contains("did you mean"));
    }
    List<Finding> all = configuration().findings();
    assertFalse(all.toString().contains("a-value"), all.toString());
    assertFalse(all.toString().contains("OTEL_"), all.toString());
  }

  @Test
  void aNearMissInTheEnvironmentIsFoundAndOtherProgramsVariablesAreNot() throws Exception {
    warns("JWT_ISUER", "did you mean JWT_ISSUER?", "JWT_ISUER", "x");
    warns("RATE_LIMIT_PER_MINUTE", "RATE_LIMIT_PER_MIN?", "RATE_LIMIT_PER_MINUTE", "9");
    warns(
        "MAX_CONECTIONS_PER_ADRESS",
        "MAX_CONNECTIONS_PER_ADDRESS?",
        "MAX_CONECTIONS_PER_ADRESS",
        "9");
    warns("AGENT_URI", "did you mean AGENT_URL?", "AGENT_URI", "x");
    warns("REDIS_ULR", "did you mean REDIS_URL?", "REDIS_ULR", "x");
    int usual = configuration().findings().size();
    String others =
        "HOME PATH USER SHELL LANG LC_ALL TERM PWD MAIL HOSTNAME TZ SORT JAVA_HOME MAVEN_OPTS"
            + " NODE_ENV DATABASE_URL REDIS_TLS_URL K_SERVICE HTTP_PROXY"
            + " KUBERNETES_PORT AGENT_SERVICE_PORT REDIS_PORT REDIS_PORT_6379_TCP OTEL_SERVICE_NAMES"
            + " LUKI_AGENT_SERVICE_HOST";
    for (String name : others.split(" ", -1)) {
      assertEquals(usual, configuration(name, "x").findings().size(), name);
    }
  }

  @Test
  void aProxyInFrontThatIsNotTrustedIsFound() throws Exception {
    String where = "TRUSTED_PROXIES";
    for (String name : List.of("DYNO", "RAILWAY_ENVIRONMENT", "RAILWAY_PROJECT_ID")) {
      warns(where, name.equals("DYNO") ? "Heroku's router" : "Railway's router", name, "web.1");
      assertEquals(List.of(), about(where, name, "web.1", where, "10.0.0.0/8"), name);
    }
    warns(where, "only a proxy on this machine", "ENVIRONMENT", "prod", "HOST", "127.0.0.1");
    assertEquals(List.of(), about(where, "ENVIRONMENT", "prod"));
    assertEquals(List.of(), about(where, "HOST", "127.0.0.1"));
  }

  private List<String> problems(String... pairs) {
    return assertThrows(BadConfiguration.class, () -> configuration(pairs)).problems();
  }

  @Test
  void whatProdNeedsAndMisspeltNamesAreReportedWithWhatIsMalformed() {
    String all = problems("ENVIRONMENT", "prod", "PORT", "abc", "API_KEY_PEPER", "x").toString();
    for (String name : List.of("PORT: ", "API_KEY_PEPPER: is", "SERVICE_TOKEN_KEY_PATH: is")) {
      assertTrue(all.contains(name), all);
    }
    assertTrue(all.contains("API_KEY_PEPER: is not a variable"), all);
    assertFalse(problems("PORT", "abc").toString().contains("PEPPER"));
  }

  @Test
  void aKeyThatStandsWhereItsFileShouldBeNamedIsNotPrinted() {
    String key = "-----BEGIN PRIVATE KEY-----MIGHAgEA";
    for (String name :
        List.of("SERVICE_TOKEN_KEY_PATH", "IDEMPOTENCY_KEY_PATH", "JWT_PUBLIC_KEY_PATH")) {
      String said = problems(name, key).toString();
      assertTrue(said.contains(name + ": must name a readable file"), said);
      assertFalse(said.contains("MIGH"), said);
    }
  }

  @Test
  void aDirectoryWhereAFileIsMeantIsAProblem() {
    String where = directory.toString();
    for (String name : List.of("API_KEYS_FILE", "SERVICE_JWKS_PATH", "SERVICE_TOKEN_KEY_PATH")) {
      String said = problems(name, where).toString();
      assertTrue(said.contains(name + ": must name a file, not a directory"), said);
    }
  }

  @Test
  void anOlderNameInTheProcessWinsOverTheFile() throws Exception {
    Files.writeString(directory.resolve(".env"), "MEMORY_URL=http://file.test\n");
    assertEquals(
        "http://process.test",
        configuration("LUKI_MEMORY_SERVICE_URL", "http://process.test")
            .settings()
            .urls()
            .get(Upstream.MEMORY)
            .toString());
  }

  @Test
  void thePortOfATrustedProxyDoesNotCount() throws Exception {
    Settings settings =
        configuration("TRUSTED_PROXIES", "203.0.113.7:51234,[2001:db8::7]:443,fd00::8").settings();
    for (String address : List.of("203.0.113.7", "2001:db8::7", "fd00::8")) {
      assertTrue(settings.trusts(address), address);
    }
    assertTrue(problems("TRUSTED_PROXIES", "203.0.113.7:x").toString().contains("must list"));
  }

  @Test
  void anIssuersKeysOverPlainHttpAreCriticalInProdUnlessTheyStayOnThisMachine() throws Exception {
    for (String host :
        List.of("id.test", "127.evil.test", "localhost.test", "10.0.0.1", "[fd00::1]")) {
      String url = "http://" + host + "/jwks";
      List<Finding> prod = about("JWT_JWKS_URL", prod("JWT_JWKS_URL", url));
      assertEquals(1, prod.size(), host);
      assertEquals(Severity.CRITICAL, prod.getFirst().severity(), host);
      assertEquals(List.of(), about("JWT_JWKS_URL", "JWT_JWKS_URL", url), host);
    }
    for (String url :
        List.of(
            "https://id.test/", "http://localhost:9/", "http://127.0.0.1/", "http://[::1]:9/")) {
      assertEquals(List.of(), about("JWT_JWKS_URL", prod("JWT_JWKS_URL", url)), url);
    }
  }

  private static String[] prod(String name, String value) {
    return new String[] {name, value, "ENVIRONMENT", "prod", "JWT_ISSUER", "https://id.test"};
  }

  @Test
  void aSecretFileThatOthersCanReadIsFound() throws Exception {
    for (String name :
        List.of(
            "SERVICE_TOKEN_KEY_PATH", "SERVICE_TOKEN_PREVIOUS_KEY_PATH", "API_KEYS_FILE", ".env")) {
      Path file = directory.resolve(name);
      String where = name.equals(".env") ? file.toString() : name;
      Files.writeString(file, name.equals("API_KEYS_FILE") ? "{\"version\":1,\"keys\":[]}" : "");
      for (String mode : List.of("rw-r-----", "rw----r--", "rw-rw-rw-")) {
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
        List<Finding> found = about(where, name, file.toString());
        assertTrue(found.toString().contains("should have mode 0600"), name + " " + mode + found);
      }
      for (String mode : List.of("rw-------", "r--------")) {
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
        List<Finding> found = about(where, name, file.toString());
        assertFalse(found.toString().contains("mode"), name + " " + mode + found);
      }
    }
  }

  private String jwks(JWK... keys) throws IOException {
    String text = new JWKSet(List.of(keys)).toString(true);
    return Files.writeString(directory.resolve("services.json"), text).toString();
  }

  private static ECKey ec(Curve curve, String id) throws JOSEException {
    return new ECKeyGenerator(curve).keyID(id).generate();
  }

  @Test
  void aServiceKeyThatIsNotServedIsFound() throws Exception {
    String file =
        jwks(
            ec(Curve.P_256, "a"),
            ec(Curve.P_384, "b"),
            ec(Curve.P_521, "c"),
            ECKey.parse(
                """
                {"kty":"EC","crv":"secp256k1","kid":"d","x":"eb5mfvncu6xVoGKVzocLBwKb_NstzijZWfKBWxb4F5g",
                 "y":"SDradyajxGVdpPv8DhEIqP0XtEimhVQZnEfQj_sQ1Lg"}
                """),
            OctetKeyPair.parse(
                """
                {"kty":"OKP","crv":"X25519","kid":"e","x":"3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"}
                """),
            new RSAKeyGenerator(1024, true).keyID("f").generate());
    List<Finding> found = about("SERVICE_JWKS_PATH", "SERVICE_JWKS_PATH", file);
    assertEquals(
        List.of("/keys/2", "/keys/3", "/keys/4", "/keys/5"),
        found.stream().map(finding -> finding.text().split(" ", 2)[0]).toList());
    assertTrue(found.getFirst().text().contains("P-256, P-384 or Ed25519"), found.toString());
  }

  @Test
  void aServiceKeyWithoutAKidIsRefused() throws Exception {
    ECKey named = ec(Curve.P_256, "a");
    new Gateway(configuration("SERVICE_JWKS_PATH", jwks(named, ec(Curve.P_256, "b")))).close();
    Configuration other = configuration("SERVICE_JWKS_PATH", jwks(named, ec(Curve.P_256, null)));
    List<String> problems =
        assertThrows(BadConfiguration.class, () -> new Gateway(other)).problems();
    assertEquals(1, problems.size(), problems.toString());
    assertTrue(problems.getFirst().startsWith("SERVICE_JWKS_PATH: "), problems.toString());
    assertTrue(problems.getFirst().contains("kid"), problems.toString());
  }

  private String problemOf(String variable, String text) throws Exception {
    Path file = Files.writeString(directory.resolve("key.pem"), text);
    Configuration wrong = configuration(variable, file.toString(), "JWT_ISSUER", "https://id.test");
    List<String> problems =
        assertThrows(BadConfiguration.class, () -> new Gateway(wrong)).problems();
    assertEquals(1, problems.size(), problems.toString());
    assertTrue(problems.getFirst().startsWith(variable + ": "), problems.toString());
    return problems.getFirst();
  }

  private static String pem(String kind, String parameters) throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance(kind);
    if (kind.equals("EC")) {
      generator.initialize(new ECGenParameterSpec(parameters));
    } else if (!parameters.isEmpty()) {
      generator.initialize(Integer.parseInt(parameters));
    }
    return pem(generator.generateKeyPair().getPublic().getEncoded());
  }

  private static String pem(byte[] der) {
    return "-----BEGIN PUBLIC KEY-----\n"
        + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der)
        + "\n-----END PUBLIC KEY-----\n";
  }

  @Test
  void aPemWithAKeyThatIsNotServedIsAProblem() throws Exception {
    String good = pem("EC", "secp256r1");
    // SubjectPublicKeyInfo of the curve secp256k1, which the JDK does not know.
    byte[] secp256k1 =
        HexFormat.of()
            .parseHex(
                "3056301006072a8648ce3d020106052b8104000a0342000479be667ef9dcbbac55a06295ce870b07029b"
                    + "fcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d"
                    + "08ffb10d4b8");
    for (String pem :
        List.of(
            pem("EC", "secp521r1"),
            pem(secp256k1),
            pem("Ed448", ""),
            pem("X25519", ""),
            pem("RSA", "1024"),
            good + pem("EC", "secp521r1"),
            pem("EC", "secp521r1") + good,
            "-----BEGIN PUBLIC KEY-----\nAAAA=A\n-----END PUBLIC KEY-----\n",
            good.replace("PUBLIC", "PRIVATE"),
            good.replace("PUBLIC KEY", "CERTIFICATE"),
            good.substring(0, 60),
            "")) {
      String problem = problemOf("JWT_PUBLIC_KEY_PATH", pem);
      assertTrue(problem.contains("P-256, P-384 or Ed25519"), problem);
    }
    for (String pem : List.of(good, good + pem("Ed25519", ""), pem("EC", "secp384r1"))) {
      Path file = Files.writeString(directory.resolve("key.pem"), pem);
      new Gateway(configuration("JWT_PUBLIC_KEY_PATH", file.toString())).close();
    }
  }

  @Test
  void rolesByWhichUsersCouldActForEachOtherAreFound() throws Exception {
    for (String role : List.of("admin", "agent")) {
      String taken =
          gatewayFile("plans:\n", "tokens: {roles_taken: [%s]}\nplans:\n".formatted(role));
      warns("tokens/roles_taken", "grants users:any", "GATEWAY_CONFIG", taken);
      String given =
          gatewayFile("plans:\n", "tokens: {default_roles: [%s]}\nplans:\n".formatted(role));
      warns("tokens/default_roles", "grants users:any", "GATEWAY_CONFIG", given);
      List<Finding> prod =
          about("tokens/default_roles", "GATEWAY_CONFIG", given, "ENVIRONMENT", "prod");
      assertEquals(Severity.CRITICAL, prod.getFirst().severity());
    }
    String usual =
        gatewayFile(
            "plans:\n",
            "tokens: {roles_taken: [patient, researcher], default_roles: [patient]}\nplans:\n");
    for (Finding finding : configuration("GATEWAY_CONFIG", usual).findings()) {
      assertFalse(finding.where().contains("/"), finding.toString());
    }
  }

  /** The last pattern that matches a file or a directory above it decides, as for Docker. */
  private static boolean isInImage(String path) throws IOException {
    boolean in = true;
    for (String line : Files.readAllLines(Path.of(".dockerignore"))) {
      String pattern = line.replaceFirst("^!", "");
      List<String> globs = List.of(pattern, pattern.replaceFirst("^\\*\\*/", ""));
      for (Path part = Path.of(path); part != null; part = part.getParent()) {
        Path here = part;
        if (globs.stream()
            .anyMatch(g -> FileSystems.getDefault().getPathMatcher("glob:" + g).matches(here))) {
          in = line.startsWith("!");
        }
      }
    }
    return in;
  }

  @Test
  void theImageHasNoKeyAndNoEnvFile() throws Exception {
    for (String secret :
        List.of(
            ".env",
            ".env.prod",
            "config/.env",
            "src/.env",
            "src/main/resources/.env.local",
            "config/api-keys.json",
            "config/api-keys.json.lock",
            "config/.keys123.json",
            "config/dev-token-key.json",
            "config/signing.pem",
            "config/tls/server.key",
            "key.pem",
            "src/main/resources/signing.pem",
            "src/a.key",
            "src/store.p12",
            "src/store.jks",
            "config/services.jwks.json",
            "target/demo-key",
            ".git/config")) {
      assertFalse(isInImage(secret), secret);
    }
    for (String needed :
        List.of(
            "pom.xml",
            "config/gateway.yaml",
            "config/openapi.yaml",
            "src/main/java/luki/gateway/keys/KeyFile.java")) {
      assertTrue(isInImage(needed), needed);
    }
  }
}
