package luki.gateway.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import luki.gateway.app.Configuration;
import luki.gateway.app.Explanation;
import luki.gateway.app.Gateway;
import luki.gateway.cli.Arguments.BadUsage;
import luki.gateway.cli.Commands.Command;
import luki.gateway.config.Environment;
import luki.gateway.config.Problems;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.http.Body;
import luki.gateway.http.Upstream;
import luki.gateway.http.UpstreamVersion;
import luki.gateway.json.Json;
import luki.gateway.rollout.RolloutFile;
import luki.gateway.rollout.RolloutState;
import luki.gateway.rollout.RolloutState.Cause;
import luki.gateway.rollout.RolloutState.Share;
import luki.http1.Fields;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code luki rollout …}, with the file that it writes. */
class RolloutCommandTest {
  private static final UpstreamVersion CANARY = new UpstreamVersion("canary");
  private static final String TWO = "versions: {canary: \"http://c:1\", green: \"http://g:1\"}";

  @TempDir Path directory;

  private Configuration configuration(String versions) throws Exception {
    String yaml = Files.readString(Path.of("config/gateway.yaml"));
    Path file =
        Files.writeString(
            directory.resolve("gateway.yaml"),
            yaml.replace(
                "agent:\n    connect: 1s", "agent:\n    " + versions + "\n    connect: 1s"));
    Problems problems = new Problems();
    Map<String, String> variables =
        Map.of(
            "ENVIRONMENT",
            "dev",
            "AGENT_URL",
            "http://127.0.0.1:1",
            "GATEWAY_CONFIG",
            file.toString(),
            "ROLLOUT_FILE",
            directory.resolve("rollout.json").toString());
    return Configuration.of(
        Environment.of(variables, directory.resolve("no.env"), problems), problems);
  }

  private String run(Configuration configuration, String line) throws Exception {
    Command command = Commands.read().of(List.of(line.split(" ", -1)));
    List<String> words = new ArrayList<>(List.of(line.split(" ", -1)));
    words.subList(0, 2).clear();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    PrintStream print = new PrintStream(out, true, StandardCharsets.UTF_8);
    Arguments arguments = new Arguments(words, command.options());
    int code =
        new RolloutCommand(print, print, Clock.systemUTC(), arguments, configuration)
            .run(command.name());
    assertEquals(0, code);
    return out.toString(StandardCharsets.UTF_8);
  }

  private RolloutState agent() throws Exception {
    return new RolloutFile(directory.resolve("rollout.json")).read().get(Upstream.AGENT);
  }

  @Test
  void aShareIsSetRaisedPromotedAndAborted() throws Exception {
    Configuration two = configuration(TWO);
    assertTrue(run(two, "rollout show").contains("never"));
    assertTrue(
        run(two, "rollout set agent canary=10 --mirror 5")
            .startsWith("agent: canary 10 % (and 5 % mirrored), stable 90 %;"));
    RolloutState first = agent();
    assertEquals(new Share(10, 5), first.of(CANARY));
    assertTrue(run(two, "rollout set agent canary=30 green=20").contains("stable 50 %"));
    assertFalse(run(two, "rollout set agent canary=30").contains("taken back"));
    assertEquals(first.started(), agent().started());
    String shown = run(two, "rollout show");
    assertTrue(shown.contains("canary") && shown.contains("30"), shown);
    String promoted = run(two, "rollout promote agent green");
    assertTrue(promoted.contains("green 100 %, stable 0 %"), promoted);
    assertTrue(promoted.contains("nothing is taken back by itself"), promoted);
    assertEquals(Share.NOTHING, agent().of(CANARY));
    assertEquals(Cause.PROMOTED, agent().cause());
    assertTrue(run(two, "rollout abort agent").startsWith("agent: stable 100 %;"));
    assertEquals(Cause.ABORTED, agent().cause());
    assertEquals(System.getProperty("user.name"), agent().by());
  }

  @Test
  void theOnlyVersionNeedsNoNameToBePromoted() throws Exception {
    run(configuration("versions: {canary: \"http://c:1\"}"), "rollout promote agent");
    assertEquals(100, agent().of(CANARY).percent());
  }

  @Test
  void whatIsNotInTheConfigurationIsRefusedAndNothingWritten() throws Exception {
    Configuration two = configuration(TWO);
    for (Map.Entry<String, String> wrong :
        Map.of(
                "rollout set agent blue=10", "agent has no version blue, but [canary, green]",
                "rollout set memory canary=10", "services with versions in gateway.yaml: agent",
                "rollout set agent canary=101", "a share must be a whole number from 0 to 100: 101",
                "rollout set agent canary", "must be VERSION=PERCENT, such as canary=10: canary",
                "rollout set agent", "VERSION=PERCENT is required",
                "rollout set agent canary=60 green=50",
                    "the shares of a service are more than 100 percent, or of more than two versions",
                "rollout promote agent", "which version? agent has [canary, green]",
                "rollout abort", "the service is required")
            .entrySet()) {
      BadUsage refused = assertThrows(BadUsage.class, () -> run(two, wrong.getKey()));
      assertEquals(wrong.getValue(), refused.getMessage());
    }
    assertEquals(null, agent());
    Configuration none = configuration("versions: {}");
    BadUsage refused = assertThrows(BadUsage.class, () -> run(none, "rollout abort agent"));
    assertEquals("no service has versions: list them in gateway.yaml", refused.getMessage());
  }

  @Test
  void versionsThatCannotBeAreProblemsWithTheirLine() {
    BadConfiguration bad =
        assertThrows(
            BadConfiguration.class,
            () ->
                configuration(
                    "versions: {stable: \"http://a\", Big: \"http://b\", x: \"ftp://c\", d: \"http://d\","
                        + " e: \"http://e\", f: \"http://f\"}"));
    String problems = String.join("\n", bad.problems());
    assertTrue(problems.contains("must be at most two"), problems);
    // Three of them are equal, and said once.
    assertEquals(2, bad.problems().size(), problems);
  }

  @Test
  void policyAndExplainNameTheVersions() throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    PrintStream print = new PrintStream(out, true, StandardCharsets.UTF_8);
    new PolicyCommand(print).print(configuration(TWO), "md");
    String policy = out.toString(StandardCharsets.UTF_8);
    assertTrue(policy.contains("| agent (stable, or by its share [canary, green]) |"));
    try (Gateway gateway = new Gateway(configuration(TWO))) {
      assertEquals(
          "Handler calls agent (stable, or by its share [canary, green])",
          last(gateway, Fields.NONE, "chat:write").replaceAll("; without consent.*", ""));
      Fields forced = Fields.of("X-Luki-Version", "canary");
      assertEquals(
          "AuthorizeScope 403 FORBIDDEN needs ops:canary", last(gateway, forced, "chat:write"));
      assertTrue(last(gateway, forced, "chat:write ops:canary").startsWith("Handler calls agent"));
    }
  }

  /** The last verdict on a chat. */
  private static String last(Gateway gateway, Fields headers, String scopes) throws Exception {
    Json claims = Json.object().put("sub", "maria_k").put("scope", scopes).build();
    byte[] body = "{\"user_id\":\"maria_k\",\"message\":\"Hi\"}".getBytes(StandardCharsets.UTF_8);
    Explanation.Verdict verdict =
        gateway
            .explanation()
            .of(new Explanation.Question("POST", "/v1/chat", headers, claims, Body.of(body)))
            .verdicts()
            .getLast();
    return verdict.step() + " " + verdict.text();
  }
}
