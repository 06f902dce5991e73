package luki.gateway.config;

import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import luki.gateway.http.Scope;

/** Roles to scopes, as {@code config/gateway.yaml} lists them. An unknown role gives nothing. */
public final class Roles {
  private final Map<String, Set<Scope>> scopesByRole;
  private final Set<Scope> every;

  /**
   * Makes the table.
   *
   * @param every what the role {@code admin} has
   */
  public Roles(Map<String, Set<Scope>> scopesByRole, Set<Scope> every) {
    this.scopesByRole = Map.copyOf(scopesByRole);
    this.every = Set.copyOf(every);
  }

  public Set<Scope> expand(Set<Scope> scopes, Set<String> roles) {
    Set<Scope> all = new HashSet<>(scopes);
    for (String role : roles) {
      all.addAll(
          role.equals(GatewayFile.ADMIN) ? every : scopesByRole.getOrDefault(role, Set.of()));
    }
    return Set.copyOf(all);
  }

  public boolean isKnown(String role) {
    return role.equals(GatewayFile.ADMIN) || scopesByRole.containsKey(role);
  }

  public Set<Scope> every() {
    return every;
  }
}
