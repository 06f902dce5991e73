package luki.gateway.standin;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import luki.gateway.testing.Client;
import luki.gateway.testing.TestGateway;

/** The services, and a gateway in front of them. */
public final class Fixture implements AutoCloseable {
  public static final String MARIA = "maria_k";
  public static final String CHAT = "{\"user_id\":\"maria_k\",\"message\":\"a\"}";
  public static final String MEMORY = "{\"user_id\":\"maria_k\",\"text\":\"a\"}";
  public static final String SEARCH = "{\"user_id\":\"maria_k\",\"query\":\"a\"}";
  public static final String ITEMS = "/v1/elr/items/maria_k";
  public static final String METRICS = "/v1/engagement/metrics/maria_k";

  private static final String HEALTH = "GET /health ";
  private static final Set<String> SERVICES =
      Set.of("agent", "memory", "cognitive", "engagement", "reporting", "security", "tokens");

  /** All scopes of the routes for callers. */
  public static final List<String> SCOPES =
      List.of(
          "chat:write",
          "elr:read",
          "elr:write",
          "elr:delete",
          "activities:read",
          "reports:write",
          "users:read",
          "consent:read",
          "consent:write",
          "cognitive:read",
          "cognitive:write",
          "engagement:read",
          "engagement:write",
          "reporting:read",
          "reporting:write",
          "tokens:read",
          "tokens:write",
          "webhooks:write");

  private final Set<String> started;
  private final StandIns services;
  private final TestGateway gateway;
  private final RawUpstream faulty;

  private Fixture(
      Set<String> started, RawUpstream faulty, UnaryOperator<TestGateway.Builder> changes) {
    this.started = started;
    this.services = StandIns.start(started);
    this.faulty = faulty;
    this.gateway = changes.apply(TestGateway.builder().webhooks().with(services.urls())).start();
  }

  public static Fixture start() {
    return start(gateway -> gateway);
  }

  public static Fixture start(UnaryOperator<TestGateway.Builder> changes) {
    return new Fixture(SERVICES, null, changes);
  }

  public static Fixture without(String... services) {
    Set<String> rest = new HashSet<>(SERVICES);
    rest.removeAll(List.of(services));
    return new Fixture(rest, null, gateway -> gateway);
  }

  /** With a service, named by its variable, that answers all but health checks with the fault. */
  public static Fixture with(String variable, RawUpstream.Handler fault) {
    return with(variable, fault, gateway -> gateway);
  }

  public static Fixture with(
      String variable, RawUpstream.Handler fault, UnaryOperator<TestGateway.Builder> changes) {
    RawUpstream faulty = faulty(fault);
    return new Fixture(
        SERVICES, faulty, gateway -> changes.apply(gateway.with(variable, faulty.url())));
  }

  /** A service that answers health checks, and other requests with the fault. */
  public static RawUpstream faulty(RawUpstream.Handler fault) {
    return RawUpstream.serving(
        (connection, request) -> {
          if (request.startsWith(HEALTH)) {
            connection.reply("200 OK", "{}");
          } else {
            fault.handle(connection, request);
          }
        });
  }

  /** The faulty service. */
  public RawUpstream faulty() {
    return faulty;
  }

  /** The requests to the faulty service, health checks excluded. */
  public List<String> faultyCalls() {
    return faulty.requests().stream().filter(request -> !request.startsWith(HEALTH)).toList();
  }

  /** Sets the reply of a service to requests whose path has this prefix. */
  public void reply(String service, String method, String path, int status, String json) {
    services.override(service, method, path, StandInReply.json(status, json));
  }

  public void forget() {
    services.forget();
  }

  public void revoke(String user, String... scopes) {
    services.revoke(user, scopes);
  }

  public StandIns services() {
    return services;
  }

  public TestGateway gateway() {
    return gateway;
  }

  /** A caller whose user has given all consents, with a key for that user and all scopes. */
  public Client as(String user) {
    services.grant(user, "elr_memories", "analytics", "personalization");
    return withKey(gateway.key(List.of(user), SCOPES.toArray(String[]::new)));
  }

  public Client maria() {
    return as(MARIA);
  }

  public Client withKey(String key) {
    return new Client(gateway, key);
  }

  public Client stranger() {
    return withKey(null);
  }

  /** The requests to a service, health checks excluded. */
  public List<Seen> calls(String service) {
    return services.calls(service);
  }

  public List<Seen> calls() {
    return started.stream().flatMap(service -> calls(service).stream()).toList();
  }

  public void assertNothingWasCalled(String why) {
    assertEquals(List.of(), calls().stream().map(Seen::path).toList(), why);
  }

  @Override
  public void close() {
    gateway.close();
    services.close();
    if (faulty != null) {
      faulty.close();
    }
  }
}
