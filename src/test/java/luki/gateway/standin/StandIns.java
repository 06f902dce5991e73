package luki.gateway.standin;

import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The services behind the gateway, each on its own loopback port, with switches for tests. Users
 * {@code maria_k} and {@code anna} start with consent for memories, analytics and personalization.
 */
public final class StandIns implements AutoCloseable {
  private static final Duration PAUSE_BETWEEN_TOKENS = Duration.ofMillis(60);

  /** The gateway's variable for the address of each service. */
  public static final Map<String, String> VARIABLE_OF_SERVICE =
      Map.of(
          "agent", "AGENT_URL",
          "memory", "MEMORY_URL",
          "cognitive", "COG_URL",
          "engagement", "ENG_URL",
          "reporting", "REP_URL",
          "security", "SECURITY_URL",
          "tokens", "TOKEN_URL");

  /** The gateway's variables for the addresses of all services. */
  public static final Set<String> VARIABLES = Set.copyOf(VARIABLE_OF_SERVICE.values());

  private final Consents consents = new Consents();
  private final AgentService agent = new AgentService(PAUSE_BETWEEN_TOKENS);
  private final SecurityService security = new SecurityService(consents);
  private final EngagementService engagement = new EngagementService(consents);
  private final Map<String, StandInServer> servers = new LinkedHashMap<>();

  private StandIns() {}

  /** All seven services. */
  public static StandIns start() {
    return start(VARIABLE_OF_SERVICE.keySet());
  }

  /** Some of: agent memory cognitive engagement reporting security tokens. */
  public static StandIns start(Set<String> services) {
    return start("127.0.0.1", anyPort(services));
  }

  /** All seven services on the edge engine, which takes less of the processors. */
  public static StandIns onEdge() {
    return start("127.0.0.1", anyPort(VARIABLE_OF_SERVICE.keySet()), StandInServer::edge);
  }

  private static Map<String, Integer> anyPort(Set<String> services) {
    return services.stream().collect(Collectors.toMap(Function.identity(), _ -> 0));
  }

  /** Each on its port, where 0 is any free one. */
  static StandIns start(String host, Map<String, Integer> ports) {
    return start(host, ports, StandInServer::jdk);
  }

  private static StandIns start(
      String host, Map<String, Integer> ports, StandInServer.Engine engine) {
    StandIns standIns = new StandIns();
    for (String user : List.of("maria_k", "anna")) {
      standIns.grant(user, "elr_memories", "analytics", "personalization");
    }
    ports.forEach(
        (service, port) ->
            standIns.servers.put(
                service, StandInServer.start(standIns.routes(service), host, port, engine)));
    return standIns;
  }

  private Routes routes(String service) {
    return switch (service) {
      case "agent" -> agent.routes();
      case "memory" -> new MemoryService().routes();
      case "cognitive" -> new CognitiveService().routes();
      case "engagement" -> engagement.routes();
      case "reporting" -> reporting();
      case "security" -> security.routes();
      case "tokens" -> new TokenService().routes();
      default -> throw new IllegalArgumentException("no such service: " + service);
    };
  }

  /** Inferred from its callers; the replies are invented. */
  private static Routes reporting() {
    return new Routes()
        .get("/health", _ -> StandInReply.ok("status", "healthy"))
        .post("/reports/{user_id}/wellbeing", StandIns::wellbeing)
        .get("/reports/{user_id}/trends", StandIns::trends);
  }

  private static StandInReply wellbeing(ServiceCall call) {
    return StandInReply.ok(
        "user_id days summary mood_average",
        call.param("user_id"),
        call.intQuery("days", 7),
        "A calm time with a few good talks.",
        3.8);
  }

  private static StandInReply trends(ServiceCall call) {
    List<Double> mood = List.of(3.5, 3.6, 3.8);
    return StandInReply.ok("user_id mood direction", call.param("user_id"), mood, "rising");
  }

  /** The gateway's variable for each started service, and its address. */
  public Map<String, String> urls() {
    Map<String, String> urls = new LinkedHashMap<>();
    servers.forEach((name, server) -> urls.put(VARIABLE_OF_SERVICE.get(name), server.url()));
    return Map.copyOf(urls);
  }

  /** The address of a service. */
  public String url(String service) {
    return server(service).url();
  }

  /** The requests to a service, oldest first; the latest 10,000 are kept. */
  public List<Seen> seen(String service) {
    return server(service).seen();
  }

  /** What a service got but for the gateway's own look at its health. */
  public List<Seen> calls(String service) {
    return seen(service).stream().filter(seen -> !seen.path().startsWith("/health")).toList();
  }

  /** Drops every recorded request. */
  public void forget() {
    servers.values().forEach(StandInServer::forget);
  }

  /**
   * Sets the reply to requests of this method whose raw path and query have this prefix; the latest
   * matching override applies.
   */
  public void override(String service, String method, String pathPrefix, StandInReply reply) {
    server(service).override(method, pathPrefix, reply);
  }

  /** Removes all overrides. */
  public void clearOverrides() {
    servers.values().forEach(StandInServer::clearOverrides);
  }

  /** The {@code X-Internal-Secret} that the agent requires; empty: none. */
  public void secret(String secret) {
    agent.secret(secret);
  }

  /** Grants scopes for a year. */
  public void grant(String user, String... scopes) {
    grantUntil(Instant.now().plus(Duration.ofDays(365)), user, scopes);
  }

  void grantUntil(Instant end, String user, String... scopes) {
    for (String scope : scopes) {
      consents.grant(user, scope, "tests", null, end);
    }
  }

  /** Revokes scopes; has no effect on scopes that were not granted. */
  public void revoke(String user, String... scopes) {
    for (String scope : scopes) {
      consents.revoke(user, scope);
    }
  }

  /** Security's default storage: 500 for every user with a grant. */
  public void securityFault(boolean on) {
    security.storeFails(on);
  }

  /** The fault of the running engagement service, on at first: 500 where it finds people. */
  public void recommendationsFault(boolean on) {
    engagement.recommendationsFail(on);
  }

  /** Open streams of the agent. */
  public int openStreams() {
    return agent.openStreams();
  }

  /** Streams that the agent ended because the client had disconnected. */
  public int abandonedStreams() {
    return agent.abandonedStreams();
  }

  @Override
  public void close() {
    servers.values().forEach(StandInServer::close);
  }

  private StandInServer server(String service) {
    return Optional.ofNullable(servers.get(service))
        .orElseThrow(() -> new IllegalArgumentException("not started: " + service));
  }
}
