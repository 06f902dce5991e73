package luki.gateway.standin;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Stand-in for the security service, as observed on the running service with a working store. Of
 * its routes it has those that the gateway calls.
 */
final class SecurityService {
  private final Consents consents;
  private volatile boolean storeFails;

  SecurityService(Consents consents) {
    this.consents = consents;
  }

  Routes routes() {
    return new Routes()
        .get("/health", _ -> health())
        .post("/policy/enforce", this::enforce)
        .get("/consent/{user_id}", this::read)
        .post("/consent/{user_id}", this::change);
  }

  /** The fault of the default storage: 500 for every user with a grant. */
  void storeFails(boolean fails) {
    storeFails = fails;
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

  /** Checked in this order: no scope, unknown scope, consent. */
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
    if (storeFails && consents.hasGrant(user)) {
      return StandInReply.detail(500, "Failed to enforce policy");
    }
    return consents
        .denial(user, scopes)
        .map(d -> denied(d, scopes))
        .orElseGet(() -> allowed(scopes, "consent_valid"));
  }

  private StandInReply read(ServiceCall call) {
    String user = call.param("user_id");
    refuseWhileTheStoreFails(user);
    return StandInReply.ok(
        "user_id consent",
        user,
        PythonJson.object(
            "user_id consents valid_scopes",
            user,
            consents.records(user),
            consents.validScopes(user)));
  }

  /** Success whatever happens: what was not done is in {@code errors} only. */
  private StandInReply change(ServiceCall call) {
    String user = call.param("user_id");
    JsonNode body = call.fields().raw();
    for (JsonNode grant : body.path("grants")) {
      if (!grant.has("scope") || !grant.has("purpose")) {
        return StandInReply.detail(500, "1 validation error for ConsentUpdateRequest");
      }
    }
    List<String> errors = new ArrayList<>();
    List<Object> updated = new ArrayList<>();
    List<String> revoked = new ArrayList<>();
    for (JsonNode grant : body.path("grants")) {
      String scope = grant.path("scope").asText();
      if (Consents.SCOPES.contains(scope)) {
        Instant end = Instant.now().plus(Duration.ofDays(grant.path("expires_in_days").asInt(365)));
        String actor = body.path("actor").textValue();
        String purpose = grant.path("purpose").asText();
        updated.add(consents.grant(user, scope, purpose, actor, end).record(user));
      } else {
        errors.add("invalid_scope:" + scope);
      }
    }
    for (JsonNode revoke : body.path("revokes")) {
      String scope = revoke.path("scope").asText();
      if (consents.revoke(user, scope)) {
        revoked.add(scope);
      } else {
        errors.add("revoke_not_found:" + scope);
      }
    }
    refuseWhileTheStoreFails(user);
    Object consent =
        PythonJson.object(
            "user_id updated revoked_scopes valid_scopes errors",
            user,
            updated,
            revoked,
            consents.validScopes(user),
            errors);
    return StandInReply.ok("status consent", "success", consent);
  }

  private void refuseWhileTheStoreFails(String user) {
    if (storeFails && consents.hasGrant(user)) {
      throw new Routes.Rejection(
          StandInReply.detail(500, "can't compare offset-naive and offset-aware datetimes"));
    }
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
}
