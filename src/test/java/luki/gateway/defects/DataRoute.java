package luki.gateway.defects;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import luki.gateway.json.Json;
import luki.gateway.standin.Fixture;

/** A route of the published contract that needs a credential. */
record DataRoute(String method, String template, boolean takesBody, boolean userInQuery) {

  static List<DataRoute> all(Fixture setting) {
    List<DataRoute> routes = new ArrayList<>();
    Json paths = setting.stranger().get("/openapi.json").json().at("paths");
    paths
        .members()
        .forEach(
            (template, item) ->
                item.members()
                    .forEach(
                        (method, operation) -> {
                          if (operation.at("security").size() > 0) {
                            routes.add(of(method, template, operation));
                          }
                        }));
    return routes;
  }

  private static DataRoute of(String method, String template, Json operation) {
    return new DataRoute(
        method.toUpperCase(Locale.ROOT),
        template,
        !operation.at("requestBody").isMissing(),
        operation.at("parameters").toString().contains("UserIdQuery"));
  }

  boolean namesAUser() {
    return takesBody || userInQuery || template.contains("{");
  }

  /** The request for this user, with the id where the contract defines it. */
  String target(String user) {
    boolean item = template.equals("/v1/elr/items/{id}") && !method.equals("GET");
    boolean session = template.endsWith("/sessions/{id}") && method.equals("DELETE");
    String id = item ? user + "_0123456789ab" : session ? "ls_1" : user;
    String path = template.replace("{user_id}", user).replace("{id}", id);
    return userInQuery ? path + "?user_id=" + user : path;
  }

  String body(String user) {
    return takesBody ? Json.object().put("user_id", user).build().toString() : null;
  }

  @Override
  public String toString() {
    return method + " " + template;
  }
}
