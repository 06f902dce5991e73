package luki.gateway.standin;

import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** The consent records of the security service, in memory. */
final class Consents {
  static final List<String> SCOPES =
      List.of(
          "elr_basic",
          "elr_interests",
          "elr_memories",
          "elr_health",
          "elr_family",
          "elr_location",
          "analytics",
          "personalization",
          "research",
          "care_coordination",
          "model_training",
          "federated_learning",
          "differential_privacy");

  private static final Instant REVOKED = Instant.MIN;

  /** The end of each consent by user and scope, or {@link #REVOKED}. */
  private final Map<String, Map<String, Instant>> ends = new HashMap<>();

  record Denial(String error, String message) {}

  /** Grants until then; with a time in the past the consent has already expired. */
  synchronized void grant(String user, String scope, Instant until) {
    ends.computeIfAbsent(user, _ -> new HashMap<>()).put(scope, until);
  }

  /** Without a grant there is nothing to revoke. */
  synchronized void revoke(String user, String scope) {
    ends.getOrDefault(user, new HashMap<>()).replace(scope, REVOKED);
  }

  synchronized boolean hasGrant(String user) {
    return ends.getOrDefault(user, Map.of()).values().stream()
        .anyMatch(end -> !end.equals(REVOKED));
  }

  synchronized List<String> validScopes(String user) {
    Map<String, Instant> held = ends.getOrDefault(user, Map.of());
    return held.keySet().stream().filter(scope -> isValid(held.get(scope))).sorted().toList();
  }

  private static boolean isValid(Instant end) {
    return Instant.now().isBefore(end);
  }

  /** The reasons for a denial; empty when all scopes are granted and not expired. */
  synchronized Optional<Denial> denial(String user, List<String> scopes) {
    Map<String, Instant> held = ends.getOrDefault(user, Map.of());
    if (held.isEmpty()) {
      return denied("consent_denied", "No consent records found for user " + user);
    }
    for (String scope : scopes) {
      Instant end = held.get(scope);
      String name = "ConsentScope." + scope.toUpperCase(Locale.ROOT);
      if (end == null) {
        return denied("consent_denied", "No consent record for scope " + name);
      }
      if (end.equals(REVOKED)) {
        return denied("consent_denied", "Consent revoked for scope " + name);
      }
      if (!isValid(end)) {
        return denied("consent_expired", "Consent expired for scope " + name);
      }
    }
    return Optional.empty();
  }

  private static Optional<Denial> denied(String error, String message) {
    return Optional.of(new Denial(error, message));
  }
}
