package luki.gateway.contract;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import luki.gateway.config.Problems;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.http.Method;
import luki.gateway.http.Scope;
import luki.gateway.json.Json;
import luki.gateway.json.Located;

/** The OpenAPI document as it was read, not compiled yet. */
public final class ContractDocument {
  static final String EXTENSION = "x-gateway";

  private final Located document;

  private ContractDocument(Located document) {
    this.document = document;
  }

  /** Reads the file; what is no YAML, or holds a key twice, ends the start with file:line. */
  public static ContractDocument read(Path file, Problems problems) throws BadConfiguration {
    try {
      return new ContractDocument(Located.read(file));
    } catch (IOException unreadable) {
      problems.add(file.toString(), "must be a file that can be read");
    } catch (Located.Malformed malformed) {
      problems.add(malformed.problem());
    }
    problems.throwIfAny();
    throw new IllegalStateException("a problem was added above");
  }

  Json root() {
    return document.root();
  }

  String where(String pointer) {
    return document.where(pointer);
  }

  public String title() {
    return root().at("info").at("title").string("");
  }

  /** Every scope that an operation asks for, and the one that widens ownership. */
  public Set<Scope> scopes() {
    Set<Scope> scopes = new TreeSet<>();
    scopes.add(Scope.ANY_USER);
    for (Json path : root().at("paths").members().values()) {
      for (Json operation : path.members().values()) {
        for (Json scope : operation.at(EXTENSION).at("scopes").items()) {
          if (Scope.isValid(scope.string(""))) {
            scopes.add(new Scope(scope.string("")));
          }
        }
      }
    }
    return scopes;
  }

  /** The document for its readers: how the gateway works inside is left out. */
  public Json published() {
    Json.Builder paths = Json.object();
    root()
        .at("paths")
        .members()
        .forEach(
            (path, item) -> {
              Json.Builder operations = Json.object();
              item.members()
                  .forEach(
                      (name, operation) ->
                          operations.put(
                              name,
                              operation.isObject()
                                  ? operation.toBuilder().remove(EXTENSION).build()
                                  : operation));
              paths.put(path, operations.build());
            });
    return root().toBuilder().put("paths", paths.build()).build();
  }

  static Optional<Method> methodOf(String key) {
    for (Method method : Method.values()) {
      if (method.name().toLowerCase(Locale.ROOT).equals(key)) {
        return Optional.of(method);
      }
    }
    return Optional.empty();
  }

  /** What a reference into this document leads to; the value itself where it is none. */
  Json resolve(Json value) {
    String reference = value.at("$ref").string();
    if (reference == null) {
      return value;
    }
    return reference.startsWith("#/") ? root().pointer(reference.substring(1)) : Json.MISSING;
  }
}
