package luki.gateway.contract;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import luki.gateway.json.Json;
import luki.gateway.json.Located;
import org.junit.jupiter.api.Test;

/** The document as generators of clients, and the people who use those clients, read it. */
class ContractForClientsTest {
  private final Json root;

  ContractForClientsTest() throws Exception {
    root = Located.read(Path.of("config/openapi.yaml")).root();
  }

  /** With a default, openapi-typescript makes a field required. */
  @Test
  void noRequestBodyHasADefault() {
    Set<String> reached = new TreeSet<>();
    List<String> defaults = new ArrayList<>();
    root.at("paths")
        .members()
        .forEach(
            (path, item) ->
                item.members()
                    .forEach(
                        (method, operation) ->
                            walk(
                                method + " " + path,
                                operation.at("requestBody"),
                                reached,
                                defaults)));
    assertEquals(List.of(), defaults);
    assertTrue(reached.size() > 15, reached::toString);
  }

  private void walk(String at, Json value, Set<String> reached, List<String> defaults) {
    String reference = value.at("$ref").string();
    if (reference != null && reached.add(reference)) {
      walk(reference, root.pointer(reference.substring(1)), reached, defaults);
    }
    if (!value.at("default").isMissing()) {
      defaults.add(at);
    }
    value.members().forEach((name, member) -> walk(at + "/" + name, member, reached, defaults));
    value.items().forEach(item -> walk(at, item, reached, defaults));
  }

  @Test
  void aReplacementIsASchemaOfItsOwn() {
    Json replace = schema("ReplaceRequest");
    assertTrue(replace.at("$ref").isMissing());
    assertEquals(
        schema("IngestRequest").at("properties").members().keySet(),
        replace.at("properties").members().keySet());
  }

  @Test
  void theServersAreTheOneOfMakeRunAndATemplate() {
    Json servers = root.at("servers");
    assertEquals("http://localhost:8081", servers.at(0).at("url").string());
    String template = servers.at(1).at("url").string("");
    assertEquals("https://{host}", template);
    assertFalse(servers.at(1).at("variables").at("host").at("default").isMissing());
  }

  @Test
  void noStyleSheetIsInTheContract() {
    Json asset = root.at("paths").at("/docs/{asset}").at("get");
    assertEquals("redoc.standalone.js", asset.pointer("/parameters/0/example").string());
    assertEquals(
        Set.of("text/javascript", "image/svg+xml"),
        asset.pointer("/responses/200/content").members().keySet());
  }

  @Test
  void theDescriptionSaysWhatClientsGetWrong() {
    String description = root.at("info").at("description").string("").replaceAll("\\s+", " ");
    for (String fact :
        List.of(
            "alternatives: a request with both is refused with 400",
            "key create --owner",
            "target/demo-key",
            "A client ends on `done` and on `error`",
            "_headers={\"Accept\": \"text/event-stream\"}")) {
      assertTrue(description.contains(fact), fact);
    }
  }

  private Json schema(String name) {
    return root.at("components").at("schemas").at(name);
  }
}
