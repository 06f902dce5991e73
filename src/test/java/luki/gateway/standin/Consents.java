package luki.gateway.standin;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Security's consent records, in memory. */
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
  static final int DEFAULT_DAYS = 365;

  private final Clock clock;
  private final Map<String, Map<String, Consent>> byUser = new LinkedHashMap<>();

  /** Who asked for a change, and from where. */
  record Actor(@Nullable String name, @Nullable String address, @Nullable String agent) {}

  record Denial(String error, String message) {}

  record Consent(
      UUID id,
      String user,
      String scope,
      String purpose,
      Actor by,
      Instant grantedAt,
      Instant expiresAt,
      @Nullable Instant revokedAt,
      @Nullable String revokedBy) {

    boolean granted() {
      return revokedAt == null;
    }

    Map<String, @Nullable Object> toJson() {
      Instant updated = revokedAt == null ? grantedAt : revokedAt;
      return Json.object(
          "id",
          id.toString(),
          "user_id",
          user,
          "scope",
          scope,
          "status",
          granted() ? "granted" : "revoked",
          "granted_at",
          Stamp.zoned(grantedAt),
          "revoked_at",
          revokedAt == null ? null : Stamp.zoned(revokedAt),
          "expires_at",
          Stamp.zoned(expiresAt),
          "created_at",
          Stamp.zoned(grantedAt),
          "updated_at",
          Stamp.zoned(updated),
          "granted_by",
          by.name() == null ? user : by.name(),
          "revoked_by",
          revokedBy,
          "ip_address",
          by.address(),
          "user_agent",
          by.agent(),
          "legal_basis",
          "consent",
          "purpose",
          purpose,
          "metadata",
          Map.of());
    }
  }

  Consents(Clock clock) {
    this.clock = clock;
  }

  /** Grants from now on; days below one give a consent that has already expired. */
  synchronized Consent grant(String user, String scope, String purpose, int days, Actor by) {
    Instant now = clock.instant();
    Instant expiry = now.plus(Duration.ofDays(days));
    Consent consent =
        new Consent(UUID.randomUUID(), user, scope, purpose, by, now, expiry, null, null);
    byUser.computeIfAbsent(user, _ -> new LinkedHashMap<>()).put(scope, consent);
    return consent;
  }

  /** False when there is nothing granted to revoke. */
  synchronized boolean revoke(String user, String scope, @Nullable String by) {
    Consent old = byUser.getOrDefault(user, Map.of()).get(scope);
    if (old == null || !old.granted()) {
      return false;
    }
    Consent revoked =
        new Consent(
            old.id(),
            user,
            scope,
            old.purpose(),
            old.by(),
            old.grantedAt(),
            old.expiresAt(),
            clock.instant(),
            by);
    byUser.computeIfAbsent(user, _ -> new LinkedHashMap<>()).put(scope, revoked);
    return true;
  }

  synchronized List<Consent> of(String user) {
    return List.copyOf(byUser.getOrDefault(user, Map.of()).values());
  }

  synchronized List<String> validScopes(String user) {
    return of(user).stream().filter(this::valid).map(Consent::scope).toList();
  }

  /** Why not; empty when every scope is granted and in time. */
  synchronized Optional<Denial> denial(String user, List<String> scopes) {
    Map<String, Consent> held = byUser.getOrDefault(user, Map.of());
    if (held.isEmpty()) {
      return denied("consent_denied", "No consent records found for user " + user);
    }
    for (String scope : scopes) {
      Consent consent = held.get(scope);
      String name = "ConsentScope." + scope.toUpperCase(Locale.ROOT);
      if (consent == null) {
        return denied("consent_denied", "No consent record for scope " + name);
      }
      if (!consent.granted()) {
        return denied("consent_denied", "Consent revoked for scope " + name);
      }
      if (!valid(consent)) {
        return denied("consent_expired", "Consent expired for scope " + name);
      }
    }
    return Optional.empty();
  }

  private boolean valid(Consent consent) {
    return consent.granted() && clock.instant().isBefore(consent.expiresAt());
  }

  private static Optional<Denial> denied(String error, String message) {
    return Optional.of(new Denial(error, message));
  }
}
