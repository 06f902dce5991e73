package luki.gateway.standin;

import java.util.List;
import java.util.Map;

/**
 * Stand-in for the security service, as observed on the running service with a working store. Of
 * its routes it has those that the gateway calls; tests grant and revoke directly.
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
        .get("/consent/{user_id}", this::read);
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

  /** Of the consents only what the gateway reads. */
  private StandInReply read(ServiceCall call) {
    String user = call.param("user_id");
    return StandInReply.ok(
        "user_id consent", user, Map.of("valid_scopes", consents.validScopes(user)));
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
