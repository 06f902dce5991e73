package luki.gateway.contract;

import java.util.List;
import luki.gateway.http.Route;

/** The compiled contract: every route that is served. */
public record Contract(List<Route> routes) {
  public Contract {
    routes = List.copyOf(routes);
  }
}
