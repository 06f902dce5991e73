package luki.gateway.standin;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Stands in for the security service; observed on the running service with a working store. */
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
        .get("/security/config", _ -> Reply.ok(Json.object("environment", "development")))
        .post("/policy/enforce", this::enforce)
        .post("/consent/{user_id}", this::change)
        .get("/consent/{user_id}", this::read)
        .get("/privacy/{user_id}/settings", this::settings)
        .post("/privacy/{user_id}/settings", this::changeSettings);
  }

  /** The fault of the default storage: 500 for everyone who has granted something. */
  void storeFails(boolean fails) {
    storeFails = fails;
  }

  private static Reply root() {
    return Reply.ok(
        Json.object("message", "LUKi Security", "version", "1.0.0", "status", "running"));
  }

  private static Reply health() {
    return Reply.ok(
        Json.object(
            "status", "healthy",
            "service", "luki-security",
            "version", "1.0.0",
            "environment", "development",
            "components", Map.of("consent", "ok")));
  }

  /** In this order: nothing asked, unknown scope, privacy settings, consent. */
  private Reply enforce(Call call) {
    Fields fields = call.fields();
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
      return Reply.detail(400, Json.object("error", "invalid_scopes", "scopes", unknown));
    }
    List<String> blocked = privacy.blocked(user, scopes);
    if (!blocked.isEmpty()) {
      return blocked(scopes, blocked);
    }
    if (faulty(user)) {
      return Reply.detail(500, "Failed to enforce policy");
    }
    Optional<Consents.Denial> denial = consents.denial(user, scopes);
    return denial.map(d -> denied(d, scopes)).orElseGet(() -> allowed(scopes, "consent_valid"));
  }

  private static Reply allowed(List<String> scopes, String reason) {
    return Reply.ok(Json.object("allowed", true, "scopes_checked", scopes, "reason", reason));
  }

  private static Reply denied(Consents.Denial denial, List<String> scopes) {
    return Reply.detail(
        403,
        Json.object(
            "error", denial.error(), "message", denial.message(), "scopes_checked", scopes));
  }

  private static Reply blocked(List<String> scopes, List<String> blocked) {
    return Reply.detail(
        403,
        Json.object(
            "error",
            "privacy_flags_denied",
            "message",
            "Requested scopes are disabled by user privacy settings.",
            "scopes_checked",
            scopes,
            "scopes_blocked",
            blocked));
  }

  private Reply change(Call call) {
    String user = call.param("user_id");
    JsonNode body = call.fields().raw();
    if (!wellFormed(body)) {
      return Reply.detail(500, "1 validation error for ConsentUpdateRequest\n  Field required");
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
    return faulty(user) ? Reply.detail(500, STORE_FAULT) : changed(user, updated, revoked, errors);
  }

  private Reply changed(
      String user, List<Object> updated, List<String> revoked, List<String> errors) {
    Map<String, @Nullable Object> consent =
        Json.object(
            "user_id", user,
            "updated", updated,
            "revoked_scopes", revoked,
            "valid_scopes", consents.validScopes(user),
            "errors", errors);
    return Reply.ok(Json.object("status", "success", "consent", consent));
  }

  private Reply read(Call call) {
    String user = call.param("user_id");
    if (faulty(user)) {
      return Reply.detail(500, STORE_FAULT);
    }
    Map<String, @Nullable Object> consent =
        Json.object(
            "user_id", user,
            "consents", consents.of(user).stream().map(Consents.Consent::toJson).toList(),
            "valid_scopes", consents.validScopes(user));
    return Reply.ok(Json.object("user_id", user, "consent", consent));
  }

  private Reply settings(Call call) {
    String user = call.param("user_id");
    return Reply.ok(Json.object("user_id", user, "settings", privacy.of(user)));
  }

  private Reply changeSettings(Call call) {
    var settings = privacy.update(call.param("user_id"), call.fields().raw());
    return Reply.ok(Json.object("status", "success", "settings", settings));
  }

  private boolean faulty(String user) {
    return storeFails && consents.of(user).stream().anyMatch(Consents.Consent::granted);
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
}
