package luki.gateway.dev;

import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** What {@code make run} says on stderr: the address, and lines that work when they are pasted. */
final class Banner {
  private static final String LINES =
      """
      KEY="Authorization: Bearer $(cat target/demo-key)"
      JSON="Content-Type: application/json"
      curl -sw '\\n' {url}/v1/chat -H "$KEY" -H "$JSON" -d '{"user_id":"maria_k","message":"What could I do today?"}'
      curl -sN {url}/v1/chat/stream -H "$KEY" -H "$JSON" -d '{"user_id":"maria_k","message":"Tell me about hiking"}'
      curl -sw '\\n' {url}/v1/elr/ingest_text -H "$KEY" -H "$JSON" -d '{"user_id":"maria_k","text":"I like hiking in the mountains","tags":["hobby"]}'
      curl -sw '\\n' {url}/v1/elr/search -H "$KEY" -H "$JSON" -d '{"user_id":"maria_k","query":"hiking"}'
      curl -sw '\\n' -X PUT {url}/v1/users/maria_k/consent -H "$KEY" -H "$JSON" -d '{"grants":[{"scope":"elr_memories","purpose":"chat"}]}'
      curl -sw '\\n' "{url}/v1/activities/recommend?user_id=maria_k&k=3" -H "$KEY"
      curl -sw '\\n' {url}/v1/reports/generate -H "$KEY" -H "$JSON" -d '{"user_id":"maria_k","window_days":7}'
      curl -sw '\\n' {url}/v1/users/maria_k/overview -H "$KEY"
      curl -sw '\\n' {url}/v1/usage -H "$KEY"
      """;

  private Banner() {}

  static String of(int port, Set<String> standIns, Map<String, String> environment) {
    boolean colour = Boolean.getBoolean("luki.colour");
    String bold = colour ? "\u001b[1m" : "";
    String dim = colour ? "\u001b[2m" : "";
    String off = colour ? "\u001b[0m" : "";
    String url = "http://localhost:" + port;
    return "\n"
        + bold
        + "LUKi gateway on "
        + url
        + off
        + "   docs: "
        + url
        + "/docs   console: "
        + url
        + "/console   stop: Ctrl-C\n"
        + dim
        + "stand-ins for: "
        + (standIns.isEmpty() ? "nothing" : String.join(", ", new TreeSet<>(standIns)))
        + off
        + doors(url, environment)
        + "\n\nPaste in another terminal, in this folder:\n"
        + LINES.replace("{url}", url)
        + "\n";
  }

  private static String doors(String url, Map<String, String> environment) {
    String grpc = environment.get("GRPC_PORT");
    return ("true".equals(environment.get("GRAPHQL_ENABLED"))
            ? "\nGraphiQL: " + url + "/graphql/ui"
            : "")
        + (grpc == null ? "" : "\ngRPC on port " + grpc);
  }
}
