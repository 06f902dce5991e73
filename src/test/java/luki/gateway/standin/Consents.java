package luki.gateway.standin;

import java.time.Duration;
import java.time.Instant;
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
  static final int DEFAULT_DAYS = 365;

  private final Map<String, Map<String, ConsentRecord>> byUser = new LinkedHashMap<>();

  /** Who made a change, and from where. */
  record Actor(@Nullable String name, @Nullable String address, @Nullable String agent) {}

  record Denial(String error, String message) {}

  record ConsentRecord(
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
      return PythonJson.object(
          "id user_id scope status granted_at revoked_at expires_at created_at updated_at granted_by revoked_by ip_address user_agent legal_basis purpose metadata",
          id.toString(),
          user,
          scope,
          granted() ? "granted" : "revoked",
          PythonJson.zoned(grantedAt),
          revokedAt == null ? null : PythonJson.zoned(revokedAt),
          PythonJson.zoned(expiresAt),
          PythonJson.zoned(grantedAt),
          PythonJson.zoned(updated),
          by.name() == null ? user : by.name(),
          revokedBy,
          by.address(),
          by.agent(),
          "consent",
          purpose,
          Map.of());
    }
  }

  /** Grants from now; with less than one day the consent has already expired. */
  synchronized ConsentRecord grant(String user, String scope, String purpose, int days, Actor by) {
    Instant now = Instant.now();
    Instant expiry = now.plus(Duration.ofDays(days));
    ConsentRecord consent =
        new ConsentRecord(UUID.randomUUID(), user, scope, purpose, by, now, expiry, null, null);
    byUser.computeIfAbsent(user, _ -> new LinkedHashMap<>()).put(scope, consent);
    return consent;
  }

  /** False when there was no grant to revoke. */
  synchronized boolean revoke(String user, String scope, @Nullable String by) {
    ConsentRecord old = byUser.getOrDefault(user, Map.of()).get(scope);
    if (old == null || !old.granted()) {
      return false;
    }
    ConsentRecord revoked =
        new ConsentRecord(
            old.id(),
            user,
            scope,
            old.purpose(),
            old.by(),
            old.grantedAt(),
            old.expiresAt(),
            Instant.now(),
            by);
    byUser.computeIfAbsent(user, _ -> new LinkedHashMap<>()).put(scope, revoked);
    return true;
  }

  synchronized List<ConsentRecord> of(String user) {
    return List.copyOf(byUser.getOrDefault(user, Map.of()).values());
  }

  synchronized List<String> validScopes(String user) {
    return of(user).stream().filter(this::valid).map(ConsentRecord::scope).toList();
  }

  /** The reasons for a denial; empty when all scopes are granted and not expired. */
  synchronized Optional<Denial> denial(String user, List<String> scopes) {
    Map<String, ConsentRecord> held = byUser.getOrDefault(user, Map.of());
    if (held.isEmpty()) {
      return denied("consent_denied", "No consent records found for user " + user);
    }
    for (String scope : scopes) {
      ConsentRecord consent = held.get(scope);
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

  private boolean valid(ConsentRecord consent) {
    return consent.granted() && Instant.now().isBefore(consent.expiresAt());
  }

  private static Optional<Denial> denied(String error, String message) {
    return Optional.of(new Denial(error, message));
  }
}
