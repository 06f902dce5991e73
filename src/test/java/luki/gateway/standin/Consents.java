package luki.gateway.standin;

import java.time.Instant;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

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

  /** The latest consent by user and scope. */
  private final Map<String, Map<String, Grant>> grants = new HashMap<>();

  record Denial(String error, String message) {}

  /**
   * A consent that was given.
   *
   * @param actor who gave it, as the caller says
   * @param revoked null while it was not withdrawn
   */
  record Grant(
      String id,
      String scope,
      String purpose,
      @Nullable String actor,
      Instant given,
      Instant end,
      @Nullable Instant revoked) {
    boolean isValid() {
      return revoked == null && Instant.now().isBefore(end);
    }

    private Grant revokedNow() {
      return new Grant(id, scope, purpose, actor, given, end, Instant.now());
    }

    Map<String, @Nullable Object> record(String user) {
      String status = revoked != null ? "revoked" : isValid() ? "granted" : "expired";
      String created = PythonJson.zoned(given);
      return PythonJson.object(
          "id user_id scope status granted_at revoked_at expires_at created_at updated_at"
              + " granted_by revoked_by ip_address user_agent legal_basis purpose metadata",
          id,
          user,
          scope,
          status,
          created,
          revoked == null ? null : PythonJson.zoned(revoked),
          PythonJson.zoned(end),
          created,
          PythonJson.zoned(revoked == null ? given : revoked),
          actor,
          null,
          null,
          null,
          "consent",
          purpose,
          Map.of());
    }
  }

  /** Grants until then; with a time in the past the consent has already expired. */
  synchronized Grant grant(
      String user, String scope, String purpose, @Nullable String actor, Instant until) {
    String id = UUID.randomUUID().toString();
    Grant grant = new Grant(id, scope, purpose, actor, Instant.now(), until, null);
    grants.computeIfAbsent(user, _ -> new LinkedHashMap<>()).put(scope, grant);
    return grant;
  }

  /** False without a grant: then there is nothing to revoke. */
  synchronized boolean revoke(String user, String scope) {
    Grant grant = of(user).get(scope);
    if (grant == null || grant.revoked != null) {
      return false;
    }
    of(user).put(scope, grant.revokedNow());
    return true;
  }

  private Map<String, Grant> of(String user) {
    return grants.getOrDefault(user, new HashMap<>());
  }

  synchronized boolean hasGrant(String user) {
    return of(user).values().stream().anyMatch(grant -> grant.revoked == null);
  }

  synchronized List<Map<String, @Nullable Object>> records(String user) {
    return of(user).values().stream().map(grant -> grant.record(user)).toList();
  }

  synchronized List<String> validScopes(String user) {
    return of(user).values().stream().filter(Grant::isValid).map(Grant::scope).toList();
  }

  /** The reasons for a denial; empty when all scopes are granted and not expired. */
  synchronized Optional<Denial> denial(String user, List<String> scopes) {
    Map<String, Grant> held = of(user);
    if (held.isEmpty()) {
      return denied("consent_denied", "No consent records found for user " + user);
    }
    for (String scope : scopes) {
      Grant grant = held.get(scope);
      String name = "ConsentScope." + scope.toUpperCase(Locale.ROOT);
      if (grant == null) {
        return denied("consent_denied", "No consent record for scope " + name);
      }
      if (grant.revoked != null) {
        return denied("consent_denied", "Consent revoked for scope " + name);
      }
      if (!grant.isValid()) {
        return denied("consent_expired", "Consent expired for scope " + name);
      }
    }
    return Optional.empty();
  }

  private static Optional<Denial> denied(String error, String message) {
    return Optional.of(new Denial(error, message));
  }
}
