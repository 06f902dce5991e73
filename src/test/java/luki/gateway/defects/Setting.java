package luki.gateway.defects;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import luki.gateway.standin.Seen;
import luki.gateway.standin.StandIns;
import luki.gateway.testing.Client;
import luki.gateway.testing.TestGateway;

/** The services, and a gateway in front of them. */
final class Setting implements AutoCloseable {
  static final String MARIA = "maria_k";
  private static final Set<String> SERVICES =
      Set.of("agent", "memory", "cognitive", "engagement", "reporting", "security", "tokens");
  private static final String[] SCOPES = {
    "chat:write",
    "elr:read",
    "elr:write",
    "elr:delete",
    "activities:read",
    "reports:write",
    "users:read",
    "cognitive:read",
    "cognitive:write",
    "engagement:read",
    "engagement:write",
    "reporting:read",
    "reporting:write",
    "tokens:read",
    "tokens:write"
  };

  private final Set<String> started;
  private final StandIns services;
  private final TestGateway gateway;

  private Setting(Set<String> started, UnaryOperator<TestGateway.Builder> changes) {
    this.started = started;
    this.services = StandIns.start(started);
    this.gateway = changes.apply(TestGateway.builder().with(services.urls())).start();
  }

  static Setting start() {
    return start(gateway -> gateway);
  }

  static Setting start(UnaryOperator<TestGateway.Builder> changes) {
    return new Setting(SERVICES, changes);
  }

  static Setting without(String... services) {
    Set<String> rest = new HashSet<>(SERVICES);
    rest.removeAll(List.of(services));
    return new Setting(rest, gateway -> gateway);
  }

  StandIns services() {
    return services;
  }

  TestGateway gateway() {
    return gateway;
  }

  /** Someone with every consent given, and a key for that user alone with every scope. */
  Client as(String user) {
    services.grant(user, "elr_memories", "analytics", "personalization");
    return withKey(gateway.key(List.of(user), SCOPES));
  }

  Client maria() {
    return as(MARIA);
  }

  Client withKey(String key) {
    return new Client(gateway, key);
  }

  Client stranger() {
    return withKey(null);
  }

  /** What a service was asked, but for its health. */
  List<Seen> calls(String service) {
    return services.seen(service).stream().filter(seen -> !seen.path().equals("/health")).toList();
  }

  List<Seen> calls() {
    List<Seen> all = new ArrayList<>();
    started.forEach(service -> all.addAll(calls(service)));
    return all;
  }

  void assertNothingWasCalled(String why) {
    assertEquals(List.of(), calls().stream().map(Seen::path).toList(), why);
  }

  @Override
  public void close() {
    gateway.close();
    services.close();
  }
}
