package luki.gateway.http;

import java.util.Set;

/** Who may use a route. There is no default: a route without one does not compile. */
public sealed interface Access {
  /** Everybody; a credential is ignored. */
  record Public() implements Access {}

  /** Callers with all of these scopes. */
  record Scoped(Set<Scope> allOf) implements Access {
    public Scoped {
      allOf = Set.copyOf(allOf);
      if (allOf.isEmpty()) {
        throw new IllegalArgumentException("a scoped route names a scope");
      }
    }
  }
}
