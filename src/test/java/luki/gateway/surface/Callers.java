package luki.gateway.surface;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import luki.gateway.standin.Fixture;
import luki.gateway.testing.TestGateway;

/** Keys for the user of the examples, made on first use. */
final class Callers {
  private final TestGateway gateway;
  private final Map<Set<String>, String> keys = new HashMap<>();

  Callers(TestGateway gateway) {
    this.gateway = gateway;
  }

  /** A key with every scope of the contract. */
  String full() {
    return with(ContractOperation.allScopes());
  }

  /** A key with every scope but those of the operation. */
  String without(ContractOperation operation) {
    Set<String> scopes = new TreeSet<>(ContractOperation.allScopes());
    scopes.removeAll(operation.scopes());
    return with(scopes);
  }

  private String with(Set<String> scopes) {
    return keys.computeIfAbsent(
        Set.copyOf(scopes),
        wanted -> gateway.key(List.of(Fixture.MARIA), wanted.toArray(String[]::new)));
  }

  /** The valid request of an operation, with a credential that is allowed to make it. */
  Ask good(ContractOperation operation) {
    return operation.good().as(full());
  }
}
