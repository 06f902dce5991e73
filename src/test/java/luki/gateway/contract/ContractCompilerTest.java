package luki.gateway.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import luki.gateway.config.Problems;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.http.Handler;
import luki.gateway.http.Policy;
import luki.gateway.http.Response;
import luki.gateway.http.Route;
import luki.gateway.json.Json;
import luki.gateway.json.Located;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An inconsistent document prevents startup, with the line and the reason. */
class ContractCompilerTest {
  private static final Path IN_FORCE = Path.of("config/openapi.yaml");
  private static final Handler STUB = exchange -> Response.empty(204);
  private static final Map<String, Handler> HANDLERS = Map.of("tea", STUB);

  private static final String GOOD =
      """
      openapi: 3.1.0
      info: {title: Tea, version: 1.0.0}
      paths:
        /v1/tea/{user_id}:
          get:
            operationId: getTea
            x-gateway:
              access: scoped
              scopes: [tea:read]
              owner: {in: path, name: user_id}
              downstream: memory
              handler: tea
              deadline: 3s
            security:
              - key: [tea:read]
            parameters:
              - {name: user_id, in: path, required: true, schema: {type: string}}
            responses:
              '200':
                description: Tea.
                content:
                  application/json:
                    schema: {$ref: '#/components/schemas/Tea'}
      components:
        responses:
          BadRequest: {description: Refused.}
          Unauthorized: {description: Refused.}
          Forbidden: {description: Refused.}
          Conflict: {description: Refused.}
          BodyTooLarge: {description: Refused.}
          TooManyRequests: {description: Refused.}
          BadGateway: {description: Refused.}
          ServiceUnavailable: {description: Refused.}
          GatewayTimeout: {description: Refused.}
          Failure: {description: Refused.}
        schemas:
          Tea: {type: object}
      """;

  private static final String SECOND =
      """
        /v1/PATH:
          get:
            operationId: ID
            x-gateway: {access: public, handler: tea}
            security: []
            parameters:
              - {name: id, in: path, required: true, schema: {type: string}}
            responses:
              '204': {description: Nothing.}
      components:
      """;

  @TempDir private Path directory;

  private List<Route.Served> compile(String text) throws BadConfiguration, IOException {
    return compile(text, HANDLERS);
  }

  private List<Route.Served> compile(String text, Map<String, Handler> handlers)
      throws BadConfiguration, IOException {
    Path file = Files.writeString(directory.resolve("contract.yaml"), text);
    Problems problems = new Problems();
    ContractDocument document = ContractDocument.read(file, problems);
    List<Route.Served> routes =
        ContractCompiler.compile(document, handlers, Duration.ofSeconds(10), problems);
    problems.throwIfAny();
    return routes;
  }

  private List<String> problemsOf(String text) {
    return assertThrows(BadConfiguration.class, () -> compile(text)).problems();
  }

  /** A problem that names all of these, on the line of the anchor or next to it. */
  private void stops(String text, String anchor, String... named) {
    List<String> problems = problemsOf(text);
    List<String> lines = text.lines().toList();
    int wanted = 0;
    while (!lines.get(wanted).contains(anchor)) {
      wanted++;
    }
    Set<String> places = new TreeSet<>();
    for (int line = wanted; line <= wanted + 2; line++) {
      places.add(directory.resolve("contract.yaml") + ":" + line + ": ");
    }
    assertTrue(
        problems.stream()
            .anyMatch(
                problem ->
                    places.stream().anyMatch(problem::startsWith)
                        && List.of(named).stream().allMatch(problem::contains)),
        () -> problems + " does not name " + List.of(named) + " at one of " + places);
  }

  private static String changed(String line, String other) {
    assertTrue(GOOD.contains(line), line);
    return GOOD.replace(line, other);
  }

  private static String with(String path, String operationId) {
    return GOOD.replace("components:\n", SECOND.replace("PATH", path).replace("ID", operationId));
  }

  @Test
  void aConsistentDocumentCompiles() throws Exception {
    List<Route.Served> routes = compile(GOOD);
    assertEquals(List.of("getTea"), routes.stream().map(one -> one.operation().id()).toList());
    assertEquals(Duration.ofSeconds(3), routes.getFirst().deadline());
    assertEquals(2, compile(with("cups/{id}", "getCup")).size());
  }

  @Test
  void anOperationWithoutARuleIsAProblem() {
    String bare = GOOD.replaceAll("(?s)      x-gateway:.*?      security:", "      security:");
    stops(bare, "operationId: getTea", "x-gateway", "/v1/tea/{user_id}");
  }

  @Test
  void anUnknownKeyOfTheRuleIsAProblem() {
    stops(changed("deadline: 3s", "dead_line: 3s"), "dead_line", "dead_line");
    stops(changed("deadline: 3s", "deadline: soon"), "deadline: soon", "deadline");
  }

  @Test
  void accessMustBeStated() {
    stops(changed("        access: scoped\n", ""), "x-gateway:", "access");
    stops(changed("access: scoped", "access: open"), "x-gateway:", "access");
    stops(changed("access: scoped", "access: public"), "getTea", "public");
  }

  @Test
  void scopedAccessWithoutScopesIsAProblem() {
    stops(changed("        scopes: [tea:read]\n", ""), "x-gateway:", "scopes");
    stops(changed("scopes: [tea:read]", "scopes: []"), "x-gateway:", "scopes");
    stops(changed("scopes: [tea:read]", "scopes: [Tea Read]"), "scopes: [Tea", "scope");
    String silent = changed("      security:\n        - key: [tea:read]\n", "");
    stops(silent, "getTea", "security");
  }

  @Test
  void theScopesOfTheRuleAndOfTheSecurityMustBeEqual() {
    String other = changed("- key: [tea:read]", "- key: [tea:write]");
    stops(other, "getTea", "security");
  }

  @Test
  void theOwnerMustBePartOfTheRequest() {
    stops(changed("name: user_id}\n        down", "name: id}\n        down"), "owner:", "id");
    stops(changed("        owner: {in: path, name: user_id}\n", ""), "x-gateway:", "owner");
    stops(changed("owner: {in: path", "owner: {in: cookie"), "owner:", "in");
    stops(changed("owner: {in: path", "owner: {in: body"), "owner:", "no valid request");
    stops(changed("owner: {in: path", "owner: {in: query"), "owner:", "no valid request");
  }

  @Test
  void aHandlerThatPassesOnNeedsADownstream() throws Exception {
    Handler.PassesOn module = STUB::handle;
    String without = changed("        downstream: memory\n", "");
    assertEquals(1, compile(without).size());
    List<String> problems =
        assertThrows(BadConfiguration.class, () -> compile(without, Map.of("tea", module)))
            .problems();
    assertEquals(1, problems.size(), problems.toString());
    assertTrue(problems.getFirst().contains("downstream is missing"), problems.toString());
  }

  @Test
  void aHandlerThatPassesOnNeedsAPathToPassOn() throws Exception {
    Handler.PassesOn module = STUB::handle;
    assertEquals(1, compile(GOOD, Map.of("tea", module)).size());
    String nothing = changed("/v1/tea/{user_id}", "/v1/{user_id}");
    List<String> problems =
        assertThrows(BadConfiguration.class, () -> compile(nothing, Map.of("tea", module)))
            .problems();
    assertEquals(1, problems.size(), problems.toString());
    assertTrue(problems.getFirst().contains("second segment"), problems.toString());
  }

  @Test
  void twoOperationsForTheSameRequestAreAProblem() {
    stops(with("tea/{id}", "getOther"), "operationId: getOther", "GET", "/v1/tea/{id}");
  }

  @Test
  void operationIdsMustBeUnique() {
    stops(with("cups/{id}", "getTea"), "x-gateway: {access: public", "operationId", "getTea");
    stops(changed("      operationId: getTea\n", ""), "get:", "operationId");
    stops(changed("operationId: getTea", "operationId: ' '"), "get:", "operationId");
  }

  @Test
  void unknownNamesAreProblems() {
    stops(changed("handler: tea", "handler: coffee"), "x-gateway:", "handler", "tea");
    stops(changed("downstream: memory", "downstream: teapot"), "downstream:", "downstream");
    stops(changed("schemas/Tea'", "schemas/Coffee'"), "schemas/Coffee", "schemas/Coffee");
    stops(changed("/schemas/Tea'", "/schemas/Tea/x'"), "Tea/x", "Tea/x");
    stops(changed("'#/components/schemas/Tea'", "'https://x.test/'"), "x.test", "x.test");
  }

  @Test
  void onlyAPublicOperationIsAlwaysAdmitted() throws Exception {
    String scoped = changed("deadline: 3s", "always_admitted: true");
    stops(scoped, "always_admitted", "always_admitted");
    String open = with("cups/{id}", "getCup").replace("handler: tea}", "handler: tea, ALWAYS}");
    stops(open.replace("ALWAYS", "always_admitted: 7"), "always_admitted", "always_admitted");
    List<Route.Served> routes = compile(open.replace("ALWAYS", "always_admitted: true"));
    assertEquals(
        List.of(false, true), routes.stream().map(one -> one.policy().alwaysAdmitted()).toList());
  }

  @Test
  void aPublicOperationMayHaveACostButNoMeters() throws Exception {
    String open = with("cups/{id}", "getCup").replace("handler: tea}", "handler: tea, RULE}");
    stops(open.replace("RULE", "meters: [requests]"), "handler: tea,", "meters");
    stops(open.replace("RULE", "cost: 0"), "handler: tea,", "cost");
    stops(open.replace("RULE", "cost: 1, always_admitted: true"), "handler: tea,", "cost");
    Policy.Limits limits = compile(open.replace("RULE", "cost: 2")).getLast().policy().limits();
    assertEquals(new Policy.Limits(2, Set.of()), limits);
  }

  @Test
  void pathParametersMustBeDeclared() {
    String undeclared = GOOD.replaceAll("      parameters:\n.*\n", "");
    stops(undeclared, "getTea", "{user_id}");
    stops(changed("{name: user_id, in: path", "{name: user_id, in: query"), "getTea", "{user_id}");
    stops(changed(", schema: {type: string}", ""), "getTea", "schema");
    stops(changed("in: path, required", "in: cookie, required"), "getTea", "user_id");
  }

  @Test
  void repliesMustHaveASchema() {
    String bare = changed("schema: {$ref: '#/components/schemas/Tea'}", "example: {}");
    stops(bare, "'200':", "application/json", "schema");
    String none = GOOD.replaceAll("(?s)      responses:.*?components:", "components:");
    stops(none, "getTea", "responses");
  }

  @Test
  void theStandardErrorsArePublishedAndDefinedOnce() throws Exception {
    stops(changed("    Conflict: {description: Refused.}\n", ""), "getTea", "Conflict");
    String own =
        changed("        '200':\n", "        '409': {description: Own.}\n        '200':\n");
    Path file = Files.writeString(directory.resolve("contract.yaml"), own);
    Json responses =
        ContractDocument.read(file, new Problems())
            .published()
            .pointer("/paths/~1v1~1tea~1{user_id}/get/responses");
    assertEquals(
        List.of("200", "400", "401", "403", "409", "413", "429", "502", "503", "504", "default"),
        List.copyOf(responses.members().keySet()));
    assertEquals("Own.", responses.at("409").at("description").string());
    assertEquals("#/components/responses/Forbidden", responses.at("403").at("$ref").string());
  }

  @Test
  void duplicateKeysAreAProblem() {
    stops(changed("deadline: 3s", "deadline: 3s\n        deadline: 9s"), "x-gateway:", "duplicate");
    stops(GOOD + "  schemas: {}\n", "components:", "duplicate");
  }

  @Test
  void invalidYamlIsAProblem() {
    for (String text : List.of("paths: [", "a: b: c", "\t- x", "a: &x\n- *y", "{", "\u0000")) {
      List<String> problems = problemsOf(text);
      String place = directory.resolve("contract.yaml") + ":";
      assertTrue(problems.getFirst().startsWith(place), problems::toString);
    }
    for (String text : List.of("", "[]", "7", "paths: {}", "openapi: 3.1.0")) {
      assertTrue(problemsOf(text).size() > 0);
    }
    stops(changed("openapi: 3.1.0", "openapi: 3.0.3"), "openapi:", "3.1");
  }

  @Test
  void allProblemsAreReportedTogether() {
    String many =
        changed("handler: tea", "handler: coffee")
            .replace("downstream: memory", "downstream: teapot")
            .replace("access: scoped", "access: open");
    assertTrue(problemsOf(many).size() >= 3);
  }

  /** Compiles the contract in force, changed so, with stubs in place of its handlers. */
  private List<Route.Served> compileInForce(String from, String to, Set<String> asking)
      throws Exception {
    Handler.AsksConsent asks = exchange -> Response.empty(204);
    Map<String, Handler> stubs = new HashMap<>();
    for (Json item : Located.read(IN_FORCE).root().at("paths").members().values()) {
      for (Json operation : item.members().values()) {
        String name = operation.at("x-gateway").at("handler").string("");
        stubs.put(name, asking.contains(name) ? asks : STUB);
      }
    }
    return compile(Files.readString(IN_FORCE).replaceFirst(from, to), stubs);
  }

  @Test
  void theContractInForceCompiles() throws Exception {
    Set<String> ask = Set.of("chat", "chat-stream", "overview");
    assertFalse(compileInForce("", "", ask).isEmpty());
  }

  @Test
  void aHandlerThatDoesNotCheckConsentCannotBeUsedWhereItMust() {
    BadConfiguration refused =
        assertThrows(
            BadConfiguration.class,
            () -> compileInForce("asked_by: filter", "asked_by: handler", Set.of()));
    assertTrue(refused.problems().getFirst().contains("a handler that checks consent itself"));
  }
}
