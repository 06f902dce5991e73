package luki.gateway.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.testing.Client;
import luki.gateway.testing.TestGateway;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Each string literal of the code is used as the name of an operation, and as its path where it
 * looks like one. Each such operation needs a scope, and is enforced like any other.
 */
class NoNameIsSpecialTest {
  private static final Path CODE = Path.of("src/main/java/luki/gateway");
  private static final Pattern LITERAL = Pattern.compile("\"([^\"\\\\\n]+)\"");
  private static final Pattern PATH = Pattern.compile("(/[a-zA-Z0-9._-]+)+");

  private static final String CONTRACT =
      """
      {"openapi": "3.1.0", "info": {"title": "Names", "version": "1"}, "paths": PATHS,
       "components": {"responses": {
         "BadRequest": {"description": "400"}, "Unauthorized": {"description": "401"},
         "Forbidden": {"description": "403"}, "TooManyRequests": {"description": "429"},
         "ServiceUnavailable": {"description": "503"}, "BodyTooLarge": {"description": "413"}, "Failure": {"description": "Other"}}}}
      """;
  private static final String OPERATION =
      """
      {"get": {"operationId": ID, "security": [{"key": ["names:read"]}],
        "x-gateway": {"access": "scoped", "scopes": ["names:read"], "owner": "none",
                      "handler": "about"},
        "responses": {"204": {"description": "Done."}}}}
      """;

  @TempDir private Path directory;

  @Test
  void anOperationIsEnforcedWhateverItsNameOrPath() throws Exception {
    Set<String> names = literals();
    assertTrue(names.containsAll(List.of("options", "metrics", "docs-asset", "chat-stream")));
    names.addAll(
        List.of("refused", "Refused", "Served", "*", "null", "HEAD", "OPTIONS", "/health"));
    Map<String, String> ids = new TreeMap<>();
    names.stream()
        .filter(name -> PATH.matcher(name).matches())
        .forEach(path -> ids.put(path, path));
    List<String> rest = names.stream().filter(name -> !ids.containsKey(name)).toList();
    for (int i = 0; i < rest.size(); i++) {
      ids.put("/n/" + i, rest.get(i));
    }
    Path file = Files.writeString(directory.resolve("contract.json"), contract(ids).toString());
    try (TestGateway gateway = TestGateway.start(Map.of("OPENAPI_FILE", file.toString()))) {
      Client anyone = gateway.stranger();
      Client unscoped = new Client(gateway, gateway.key(List.of(), "users:any"));
      for (Map.Entry<String, String> operation : ids.entrySet()) {
        assertEquals(401, anyone.get(operation.getKey()).status(), operation.toString());
        assertEquals(403, unscoped.get(operation.getKey()).status(), operation.toString());
      }
    }
  }

  private static Set<String> literals() throws IOException {
    Set<String> literals = new TreeSet<>();
    try (Stream<Path> files = Files.walk(CODE)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        LITERAL
            .matcher(Files.readString(file))
            .results()
            .map((MatchResult found) -> found.group(1))
            .filter(name -> !name.isBlank())
            .forEach(literals::add);
      }
    }
    return literals;
  }

  private static Json contract(Map<String, String> ids) throws InvalidJson {
    Json.Builder paths = Json.object();
    for (Map.Entry<String, String> operation : ids.entrySet()) {
      String item = OPERATION.replace("ID", Json.of(operation.getValue()).toString());
      paths.put(operation.getKey(), Json.parse(item.getBytes(StandardCharsets.UTF_8)));
    }
    String contract = CONTRACT.replace("PATHS", paths.build().toString());
    return Json.parse(contract.getBytes(StandardCharsets.UTF_8));
  }
}
