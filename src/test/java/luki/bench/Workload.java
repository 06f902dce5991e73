package luki.bench;

import java.nio.charset.StandardCharsets;

/**
 * A request that everything under test gets, and what the origin answers.
 *
 * @param path as the caller asks for it
 * @param body "" for a GET
 */
record Workload(String name, String method, String path, String body) {
  /** A hundred bytes to a hundred and fifty: the contract's example of an interaction. */
  static final Workload POST =
      new Workload(
          "POST 100 B",
          "POST",
          "/v1/engagement/interactions",
          "{\"user_id\":\"maria_k\",\"interaction_type\":\"chat\",\"content\":{\"topic\":\"a walk in the garden\"}}");

  static final Workload GET =
      new Workload("GET 10 KB", "GET", "/v1/cognitive/life-story/phases", "");

  /** A script for wrk, which sends the same for each connection. */
  String wrkScript(String key) {
    StringBuilder lua = new StringBuilder();
    lua.append("wrk.method = \"").append(method).append("\"\n");
    lua.append("wrk.path = \"").append(path).append("\"\n");
    lua.append("wrk.headers[\"Authorization\"] = \"Bearer ").append(key).append("\"\n");
    if (!body.isEmpty()) {
      lua.append("wrk.headers[\"Content-Type\"] = \"application/json\"\n");
      lua.append("wrk.body = [[").append(body).append("]]\n");
    }
    return lua.toString();
  }

  byte[] bytes(String key) {
    String head =
        method
            + " "
            + path
            + " HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer "
            + key
            + "\r\n"
            + (body.isEmpty()
                ? ""
                : "Content-Type: application/json\r\nContent-Length: " + body.length() + "\r\n")
            + "\r\n"
            + body;
    return head.getBytes(StandardCharsets.US_ASCII);
  }
}
