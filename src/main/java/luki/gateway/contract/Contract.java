package luki.gateway.contract;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import luki.gateway.http.Access;
import luki.gateway.http.Route;
import luki.gateway.http.Scope;

/** The compiled contract: every route that is served. */
public record Contract(List<Route> routes) {
  public Contract {
    routes = List.copyOf(routes);
  }

  /** Every scope that a route asks for, and the one that widens ownership. */
  public static Set<Scope> scopesOf(List<Route> routes) {
    Set<Scope> scopes = new TreeSet<>();
    scopes.add(Scope.ANY_USER);
    for (Route route : routes) {
      switch (route.access()) {
        case Access.Scoped scoped -> scopes.addAll(scoped.allOf());
        case Access.Public _ -> {}
      }
    }
    return scopes;
  }
}
