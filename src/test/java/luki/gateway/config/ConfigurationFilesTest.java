package luki.gateway.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import luki.gateway.config.Problems.BadConfiguration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** All problems of settings are reported, with their place and without their value. */
class ConfigurationFilesTest {
  @TempDir Path directory;

  private final Problems problems = new Problems();

  private List<String> found() {
    return assertThrows(BadConfiguration.class, problems::throwIfAny).problems();
  }

  private GatewayFile file(String from, String to) throws IOException, BadConfiguration {
    String text = Files.readString(Path.of("config/gateway.yaml"));
    assertTrue(text.contains(from), from);
    return GatewayFileReader.read(
        Files.writeString(directory.resolve("gateway.yaml"), text.replace(from, to)), problems);
  }

  @Test
  void theFileOfTheRepositoryHasNoProblems() throws Exception {
    GatewayFile file = file("roles:", "roles:");
    problems.throwIfAny();
    assertEquals(1200, file.plans().get("care_home").perMinute());
  }

  @Test
  void anUnknownKeyIsAProblemAtEachLevel() throws Exception {
    Map<String, String> changes =
        Map.of(
            "breaker:\n", "breaker:\n  prbes: 1\n",
            "\nstreams:\n", "\nstream: {}\nstreams:\n",
            "  agent:\n    connect", "  agent:\n    retries: 3\n    connect",
            "  memory:\n    connect", "  memry: {}\n  memory:\n    connect",
            "chat_messages: {day: 500", "chat_messages: {week: 3, day: 500",
            "      requests: {day", "      calls: {day: 3}\n      requests: {day");
    for (Map.Entry<String, String> change : changes.entrySet()) {
      Problems own = new Problems();
      String text = Files.readString(Path.of("config/gateway.yaml"));
      assertTrue(text.contains(change.getKey()), change.getKey());
      Path file =
          Files.writeString(
              directory.resolve("gateway.yaml"), text.replace(change.getKey(), change.getValue()));
      GatewayFileReader.read(file, own);
      List<String> found = assertThrows(BadConfiguration.class, own::throwIfAny).problems();
      assertEquals(1, found.size(), found.toString());
      assertTrue(
          found
              .getFirst()
              .matches(
                  ".*gateway\\.yaml:\\d+: \\w+ is not a known key(; did you mean [\\w/]+\\?)?"),
          found.toString());
      assertEquals(
          change.getValue().contains("memry"),
          found.getFirst().endsWith("; did you mean /downstreams/memory?"),
          found.toString());
    }
  }

  @Test
  void aServiceThatIsMissingIsOneProblem() throws Exception {
    assertEquals(
        List.of(
            "gateway.yaml:76: /downstreams/agent is missing",
            "gateway.yaml:77: agnet is not a known key; did you mean /downstreams/agent?"),
        problems("  agent:\n    connect", "  agnet:\n    connect"));
  }

  @Test
  void whyAFileIsNoYamlIsSaid() throws Exception {
    assertEquals(
        List.of(
            "gateway.yaml:118: not readable as YAML: while parsing a flow sequence, expected ',' or"
                + " ']', but got :"),
        problems("breaker:\n", "breaker: [\n"));
  }

  /** What is wrong with the file once a text in it is another; the paths without directory. */
  private List<String> problems(String text, String other) throws IOException {
    String whole = Files.readString(Path.of("config/gateway.yaml"));
    assertTrue(whole.contains(text), text);
    Path file =
        Files.writeString(directory.resolve("gateway.yaml"), whole.replaceFirst(text, other));
    Problems own = new Problems();
    BadConfiguration bad =
        assertThrows(
            BadConfiguration.class,
            () -> {
              GatewayFile _ = GatewayFileReader.read(file, own);
              own.throwIfAny();
            });
    return bad.problems().stream().map(each -> each.replace(directory + "/", "")).toList();
  }

  @Test
  void valuesOfAnotherTypeAreProblemsWithTheirLine() throws Exception {
    file("  window: 10s\n  min_calls: 20", "  window: 10\n  min_calls: 0");
    List<String> found = found();
    assertEquals(2, found.size(), found.toString());
    assertTrue(found.get(0).contains("/breaker/window must be a duration"), found.toString());
    assertTrue(
        found.get(1).contains("/breaker/min_calls must be a whole number"), found.toString());
  }

  /** The problems of a file with this top-level text. */
  private List<String> problemsOf(String yaml) throws Exception {
    Problems own = new Problems();
    String text = Files.readString(Path.of("config/gateway.yaml")) + yaml;
    GatewayFileReader.read(Files.writeString(directory.resolve("gateway.yaml"), text), own);
    try {
      own.throwIfAny();
      return List.of();
    } catch (BadConfiguration bad) {
      return bad.problems();
    }
  }

  @Test
  void theRolesOfUsersTokensHaveDefaults() throws Exception {
    GatewayFile.TokenRoles roles = file("roles:", "roles:").tokenRoles();
    assertEquals(List.of("roles"), roles.claims());
    assertEquals(Set.of("patient", "care_team"), roles.taken());
    assertEquals(Set.of(), roles.defaults());
    GatewayFile.TokenRoles set =
        file(
                "\nplans:\n",
                "\ntokens:\n  role_claims: [role, /a/b]\n  roles_taken: [admin]\n"
                    + "  default_roles: [patient]\nplans:\n")
            .tokenRoles();
    assertEquals(List.of("role", "/a/b"), set.claims());
    assertEquals(Set.of("admin"), set.taken());
    assertEquals(Set.of("patient"), set.defaults());
    assertEquals(
        Set.of(), file("\nplans:\n", "\ntokens: {roles_taken: []}\nplans:\n").tokenRoles().taken());
    problems.throwIfAny();
  }

  @Test
  void wrongValuesAmongTheRolesOfUsersTokensAreProblemsWithTheirLine() throws Exception {
    for (Map.Entry<String, String> wrong :
        Map.of(
                "role_claims: role", "/tokens/role_claims must be a list of names",
                "role_claims: [7]", "/tokens/role_claims must be a list of names",
                "role_claims: ['']", "/tokens/role_claims must be a list of names",
                "role_claims: {}", "/tokens/role_claims must be a list of names",
                "roles_taken: patient", "/tokens/roles_taken must be a list of names",
                "roles_taken: [king]", "/tokens/roles_taken must list roles of this file, or admin",
                "default_roles: [patient, king]",
                    "/tokens/default_roles must list roles of this file, or admin",
                "default_roles: [true]", "/tokens/default_roles must be a list of names",
                "role_claim: [role]", "role_claim is not a known key")
            .entrySet()) {
      List<String> found = problemsOf("\ntokens:\n  " + wrong.getKey() + "\n");
      assertEquals(1, found.size(), found.toString());
      assertTrue(found.getFirst().matches(".*gateway\\.yaml:\\d+: .*"), found.toString());
      assertTrue(found.getFirst().endsWith(": " + wrong.getValue()), found.toString());
    }
    assertEquals(List.of(), problemsOf("\ntokens:\n"));
    for (String other : List.of("patient", "[patient]", "7")) {
      List<String> found = problemsOf("\ntokens: " + other + "\n");
      assertTrue(found.getFirst().endsWith(": /tokens must be a map"), found.toString());
    }
  }

  @Test
  void rolesAndScopesThatAreNoListsAreProblems() throws Exception {
    for (String services :
        List.of(
            "{keys: k, scopes: [elr:read]}",
            "{keys: [k], scopes: elr:read}",
            "{keys: [k], roles: agent}",
            "{keys: [k], roles: [king]}")) {
      List<String> found = problemsOf("\nservices:\n  s: " + services + "\n");
      assertTrue(found.getFirst().contains(" must "), services + found);
    }
  }

  private Settings settings(Map<String, String> variables) {
    return SettingsReader.read(Environment.of(variables, directory.resolve("no.env"), problems));
  }

  @Test
  void allProblemsOfTheEnvironmentAreReportedTogetherWithoutAValue() {
    Map<String, String> wrong = new HashMap<>();
    wrong.put("PORT", "secret-1");
    wrong.put("API_KEY_PEPPER", "secret-2");
    wrong.put("AGENT_INTERNAL_SECRET", "secret 3");
    wrong.put("REDIS_URL", "redis://u:secret-4@/x,http://secret-4");
    wrong.put("USAGE_SINK_SECRET", "whsec_secret-5");
    wrong.put("USAGE_SINK_URL", "https://sink.test?secret-6");
    wrong.put("AGENT_URL", "https://u:secret-7@agent.test");
    wrong.put("TRUSTED_PROXIES", "10.0.0.0/8,secret-8");
    wrong.put("CORS_ALLOWED_ORIGINS", "https://a.test/secret-9");
    wrong.put("JWT_JWKS_URL", "ftp://secret-10?p=secret-11");
    settings(wrong);
    List<String> found = found();
    for (String name : wrong.keySet()) {
      assertEquals(1, found.stream().filter(text -> text.startsWith(name + ": ")).count(), name);
    }
    assertEquals(wrong.size(), found.size(), found.toString());
    assertFalse(found.toString().contains("secret-"), found.toString());
  }

  @Test
  void theJdksServerIsACriticalFindingInProdOnly() throws Exception {
    GatewayFile file = file("roles:", "roles:");
    for (String environment : List.of("prod", "dev")) {
      for (String engine : List.of("edge", "jdk")) {
        Settings settings = settings(Map.of("ENVIRONMENT", environment, "HTTP_ENGINE", engine));
        boolean critical =
            ConfigurationCheck.of(settings, file, Set.of()).stream()
                .anyMatch(
                    finding ->
                        finding.where().equals("HTTP_ENGINE")
                            && finding.severity() == ConfigurationCheck.Severity.CRITICAL);
        assertEquals(environment.equals("prod") && engine.equals("jdk"), critical);
      }
    }
  }

  @Test
  void envExampleIsWhatTheCodeReads() throws IOException {
    assertEquals(expected(), Files.readString(Path.of("env.example")));
  }

  private static String expected() {
    StringBuilder text =
        new StringBuilder(
            """
            # Every variable that the gateway reads, with its default. Copy it to .env and change what you need;
            # the environment wins over .env.
            """);
    for (Variable variable : Variable.values()) {
      text.append("\n# ").append(variable.reason()).append('\n');
      for (String older : variable.names().subList(1, variable.names().size())) {
        text.append("# also: ").append(older).append('\n');
      }
      text.append("#").append(variable.name()).append('=').append(variable.defaultText());
      text.append('\n');
    }
    return text.toString();
  }

  @Test
  void theReadmeListsEveryVariable() throws IOException {
    String readme = Files.readString(Path.of("README.md"));
    for (Variable variable : Variable.values()) {
      assertTrue(readme.contains("`" + variable.name() + "`"), variable.name());
    }
  }
}
