package luki.gateway.standin;

import java.time.Clock;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The services behind the gateway, each on its own loopback port, with switches for tests. Users
 * {@code maria_k} and {@code anna} start with consent for memories, analytics and personalization.
 */
public final class StandIns implements AutoCloseable {
  private static final Duration PAUSE_BETWEEN_TOKENS = Duration.ofMillis(60);
  private static final Map<String, String> VARIABLE_OF_SERVICE =
      Map.of(
          "agent", "AGENT_URL",
          "memory", "MEMORY_URL",
          "cognitive", "COG_URL",
          "engagement", "ENG_URL",
          "reporting", "REP_URL",
          "security", "SECURITY_URL",
          "tokens", "TOKEN_URL");

  private final Consents consents;
  private final AgentService agent;
  private final SecurityService security;
  private final EngagementService engagement;
  private final Map<String, StandInServer> servers = new LinkedHashMap<>();

  private StandIns(Clock clock) {
    this.consents = new Consents(clock);
    this.agent = new AgentService(PAUSE_BETWEEN_TOKENS);
    this.security = new SecurityService(consents);
    this.engagement = new EngagementService(clock, consents);
  }

  /** All seven. */
  public static StandIns start() {
    return start(VARIABLE_OF_SERVICE.keySet());
  }

  /** Some of: agent memory cognitive engagement reporting security tokens. */
  public static StandIns start(Set<String> services) {
    Clock clock = Clock.systemUTC();
    StandIns standIns = new StandIns(clock);
    for (String user : List.of("maria_k", "anna")) {
      standIns.grant(user, "elr_memories", "analytics", "personalization");
    }
    for (String service : services) {
      standIns.servers.put(service, StandInServer.start(standIns.routes(service, clock)));
    }
    return standIns;
  }

  private Routes routes(String service, Clock clock) {
    return switch (service) {
      case "agent" -> agent.routes();
      case "memory" -> new MemoryService(clock).routes();
      case "cognitive" -> new CognitiveService().routes();
      case "engagement" -> engagement.routes();
      case "reporting" -> new ReportingService().routes();
      case "security" -> security.routes();
      case "tokens" -> new TokenService(clock).routes();
      default -> throw new IllegalArgumentException("no such service: " + service);
    };
  }

  /** The gateway's variable for each started service, and its address. */
  public Map<String, String> urls() {
    Map<String, String> urls = new LinkedHashMap<>();
    servers.forEach((name, server) -> urls.put(variable(name), server.url()));
    return Map.copyOf(urls);
  }

  /** The requests a service got, oldest first; the latest 10 000 are kept. */
  public List<Seen> seen(String service) {
    return server(service).seen();
  }

  /** Drops every recorded request. */
  public void forget() {
    servers.values().forEach(StandInServer::forget);
  }

  /**
   * Fixes the reply to requests of this method whose raw path, with its query, starts so; the
   * latest override that fits decides.
   */
  public void override(String service, String method, String pathPrefix, Reply reply) {
    server(service).override(method, pathPrefix, reply);
  }

  /** Back to the services' own answers. */
  public void clearOverrides() {
    servers.values().forEach(StandInServer::clearOverrides);
  }

  /** What the agent wants in {@code X-Internal-Secret}; the empty string asks for none. */
  public void secret(String secret) {
    agent.secret(secret);
  }

  /** Grants scopes for a year. */
  public void grant(String user, String... scopes) {
    for (String scope : scopes) {
      Consents.Actor nobody = new Consents.Actor(null, null, null);
      consents.grant(user, scope, "test", Consents.DEFAULT_DAYS, nobody);
    }
  }

  /** Revokes scopes; what was never granted stays so. */
  public void revoke(String user, String... scopes) {
    for (String scope : scopes) {
      consents.revoke(user, scope, null);
    }
  }

  /** Security's default storage: 500 for every user with a grant. */
  public void securityFault(boolean on) {
    security.storeFails(on);
  }

  /** Engagement as it runs today: 500 for recommendations. */
  public void recommendationsFault(boolean on) {
    engagement.recommendationsFail(on);
  }

  /** Streams that the agent is writing now. */
  public int openStreams() {
    return agent.openStreams();
  }

  /** Streams that the agent gave up because the client had gone. */
  public int abandonedStreams() {
    return agent.abandonedStreams();
  }

  @Override
  public void close() {
    servers.values().forEach(StandInServer::close);
  }

  private StandInServer server(String service) {
    StandInServer server = servers.get(service);
    if (server == null) {
      throw new IllegalArgumentException("not started: " + service);
    }
    return server;
  }

  private static String variable(String service) {
    String variable = VARIABLE_OF_SERVICE.get(service);
    if (variable == null) {
      throw new IllegalArgumentException("no such service: " + service);
    }
    return variable;
  }
}
