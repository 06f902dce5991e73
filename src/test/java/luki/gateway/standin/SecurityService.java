package luki.gateway.standin;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Stand-in for the security service, as observed on the running service with a working store. */
final class SecurityService {
  private static final String STORE_FAULT = "can't compare offset-naive and offset-aware datetimes";

  private final Consents consents;
  private final PrivacySettings privacy = new PrivacySettings();
  private volatile boolean storeFails;

  SecurityService(Consents consents) {
    this.consents = consents;
  }

  Routes routes() {
    return new Routes()
        .get("/", _ -> root())
        .get("/health", _ -> health())
        .get("/security/config", _ -> StandInReply.ok("environment", "development"))
        .post("/policy/enforce", this::enforce)
        .post("/consent/{user_id}", this::change)
        .get("/consent/{user_id}", this::read)
        .get("/privacy/{user_id}/settings", this::settings)
        .post("/privacy/{user_id}/settings", this::changeSettings);
  }

  /** The fault of the default storage: 500 for every user with a grant. */
  void storeFails(boolean fails) {
    storeFails = fails;
  }

  private static StandInReply root() {
    return StandInReply.ok("message version status", "LUKi Security", "1.0.0", "running");
  }

  private static StandInReply health() {
    return StandInReply.ok(
        "status service version environment components",
        "healthy",
        "luki-security",
        "1.0.0",
        "development",
        Map.of("consent", "ok"));
  }

  /** Checked in this order: no scope, unknown scope, privacy settings, consent. */
  private StandInReply enforce(ServiceCall call) {
    BodyFields fields = call.fields();
    String user = fields.text("user_id");
    fields.text("requester_role");
    List<String> scopes = fields.texts("requested_scopes");
    fields.optionalObject("context");
    fields.check();

    if (scopes.isEmpty()) {
      return allowed(scopes, "no_scopes_requested");
    }
    List<String> unknown = scopes.stream().filter(s -> !Consents.SCOPES.contains(s)).toList();
    if (!unknown.isEmpty()) {
      return StandInReply.detail(400, PythonJson.object("error scopes", "invalid_scopes", unknown));
    }
    List<String> blocked = privacy.blocked(user, scopes);
    if (!blocked.isEmpty()) {
      return blocked(scopes, blocked);
    }
    if (faulty(user)) {
      return StandInReply.detail(500, "Failed to enforce policy");
    }
    Optional<Consents.Denial> denial = consents.denial(user, scopes);
    return denial.map(d -> denied(d, scopes)).orElseGet(() -> allowed(scopes, "consent_valid"));
  }

  private static StandInReply allowed(List<String> scopes, String reason) {
    return StandInReply.ok("allowed scopes_checked reason", true, scopes, reason);
  }

  private static StandInReply denied(Consents.Denial denial, List<String> scopes) {
    return StandInReply.detail(
        403,
        PythonJson.object(
            "error message scopes_checked", denial.error(), denial.message(), scopes));
  }

  private static StandInReply blocked(List<String> scopes, List<String> blocked) {
    return StandInReply.detail(
        403,
        PythonJson.object(
            "error message scopes_checked scopes_blocked",
            "privacy_flags_denied",
            "Requested scopes are disabled by user privacy settings.",
            scopes,
            blocked));
  }

  private StandInReply change(ServiceCall call) {
    String user = call.param("user_id");
    JsonNode body = call.fields().raw();
    if (!wellFormed(body)) {
      return StandInReply.detail(
          500, "1 validation error for ConsentUpdateRequest\n  Field required");
    }
    Consents.Actor actor =
        new Consents.Actor(text(body, "actor"), text(body, "ip_address"), text(body, "user_agent"));
    List<Object> updated = new ArrayList<>();
    List<String> revoked = new ArrayList<>();
    List<String> errors = new ArrayList<>();
    for (JsonNode grant : body.path("grants")) {
      String scope = grant.path("scope").asText();
      if (Consents.SCOPES.contains(scope)) {
        int days = grant.path("expires_in_days").asInt(Consents.DEFAULT_DAYS);
        String purpose = grant.path("purpose").asText();
        updated.add(consents.grant(user, scope, purpose, days, actor).toJson());
      } else {
        errors.add("invalid_scope:" + scope);
      }
    }
    for (JsonNode revoke : body.path("revokes")) {
      String scope = revoke.path("scope").asText();
      if (!Consents.SCOPES.contains(scope)) {
        errors.add("invalid_scope:" + scope);
      } else if (consents.revoke(user, scope, actor.name())) {
        revoked.add(scope);
      } else {
        errors.add("revoke_not_found:" + scope);
      }
    }
    return faulty(user)
        ? StandInReply.detail(500, STORE_FAULT)
        : changed(user, updated, revoked, errors);
  }

  private StandInReply changed(
      String user, List<Object> updated, List<String> revoked, List<String> errors) {
    Map<String, @Nullable Object> consent =
        PythonJson.object(
            "user_id updated revoked_scopes valid_scopes errors",
            user,
            updated,
            revoked,
            consents.validScopes(user),
            errors);
    return StandInReply.ok("status consent", "success", consent);
  }

  private StandInReply read(ServiceCall call) {
    String user = call.param("user_id");
    if (faulty(user)) {
      return StandInReply.detail(500, STORE_FAULT);
    }
    Map<String, @Nullable Object> consent =
        PythonJson.object(
            "user_id consents valid_scopes",
            user,
            consents.of(user).stream().map(Consents.ConsentRecord::toJson).toList(),
            consents.validScopes(user));
    return StandInReply.ok("user_id consent", user, consent);
  }

  private StandInReply settings(ServiceCall call) {
    String user = call.param("user_id");
    return StandInReply.ok("user_id settings", user, privacy.of(user));
  }

  private StandInReply changeSettings(ServiceCall call) {
    var settings = privacy.update(call.param("user_id"), call.fields().raw());
    return StandInReply.ok("status settings", "success", settings);
  }

  private boolean faulty(String user) {
    return storeFails && consents.of(user).stream().anyMatch(Consents.ConsentRecord::granted);
  }

  private static boolean wellFormed(JsonNode body) {
    for (JsonNode grant : body.path("grants")) {
      if (!grant.path("scope").isTextual() || !grant.path("purpose").isTextual()) {
        return false;
      }
    }
    for (JsonNode revoke : body.path("revokes")) {
      if (!revoke.path("scope").isTextual()) {
        return false;
      }
    }
    return true;
  }

  private static @Nullable String text(JsonNode body, String name) {
    return body.path(name).textValue();
  }

  /** Privacy switches by user; reading a user's settings writes the defaults. */
  private static final class PrivacySettings {
    private static final Map<String, String> SWITCH_OF_SCOPE =
        Map.of(
            "analytics", "allow_analytics",
            "differential_privacy", "allow_analytics",
            "personalization", "allow_personalization",
            "research", "allow_research",
            "model_training", "allow_research",
            "federated_learning", "allow_research");

    private final Map<String, Map<String, @Nullable Object>> byUser = new LinkedHashMap<>();

    synchronized Map<String, @Nullable Object> of(String user) {
      return new LinkedHashMap<>(stored(user));
    }

    synchronized Map<String, @Nullable Object> update(String user, JsonNode changes) {
      Map<String, @Nullable Object> settings = stored(user);
      Map<String, @Nullable Object> extra = new LinkedHashMap<>();
      if (settings.get("extra") instanceof Map<?, ?> old) {
        old.forEach((name, value) -> extra.put(String.valueOf(name), value));
      }
      for (Map.Entry<String, JsonNode> change : changes.properties()) {
        boolean known = settings.containsKey(change.getKey()) && !change.getKey().equals("extra");
        (known ? settings : extra).put(change.getKey(), PythonJson.plain(change.getValue()));
      }
      settings.put("user_id", user);
      settings.put("extra", extra);
      return new LinkedHashMap<>(settings);
    }

    /** The scopes that a switch of this user turns off. */
    synchronized List<String> blocked(String user, List<String> scopes) {
      Map<String, @Nullable Object> settings = stored(user);
      return scopes.stream()
          .filter(SWITCH_OF_SCOPE::containsKey)
          .filter(scope -> !Boolean.TRUE.equals(settings.get(SWITCH_OF_SCOPE.get(scope))))
          .toList();
    }

    private Map<String, @Nullable Object> stored(String user) {
      return byUser.computeIfAbsent(user, PrivacySettings::defaults);
    }

    private static Map<String, @Nullable Object> defaults(String user) {
      return PythonJson.object(
          "user_id privacy_level data_retention_days anonymize_data allow_analytics allow_personalization allow_research extra",
          user,
          "medium",
          2555,
          true,
          true,
          true,
          false,
          Map.of());
    }
  }
}
