package luki.gateway.handler;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import luki.gateway.consent.Consent;
import luki.gateway.http.ApiError;
import luki.gateway.http.ApiException;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.Response;
import luki.gateway.http.Upstream;
import luki.gateway.json.Json;
import luki.gateway.upstream.Call;
import luki.gateway.upstream.Call.ServicePath;
import luki.gateway.upstream.Upstreams;

/** A user's consent, as the security service keeps it: read and changed. */
public record ConsentHandlers(Upstreams upstreams, Consent consent) {
  private static final String REVOKE_NOT_FOUND = "revoke_not_found:";
  private static final List<String> SHOWN = List.of("scope", "status", "purpose", "legal_basis");
  private static final List<String> TIMES = List.of("granted_at", "expires_at", "revoked_at");

  /** By the names that the contract uses. */
  public Map<String, Handler> byName() {
    return Map.of("consent", this::read, "consent-change", (Handler.ChangesConsent) this::change);
  }

  private static ServicePath pathOf(Exchange exchange) {
    return new ServicePath("/consent").segment(exchange.user().value());
  }

  /** Valid scopes and records, with neither addresses nor user agents of those who gave consent. */
  private Response read(Exchange exchange) throws InterruptedException {
    Upstreams.Success reply =
        upstreams.json(Upstream.SECURITY, Call.get(pathOf(exchange)), exchange);
    String user = exchange.user().value();
    Json kept = reply.json().at("consent");
    boolean own =
        kept.at("consents").items().stream()
            .allMatch(record -> record.at("user_id").string("").equals(user));
    reply.require(
        kept.at("consents").isArray() && kept.at("valid_scopes").isArray() && own,
        Upstream.SECURITY);
    List<Json> records = kept.at("consents").items().stream().map(ConsentHandlers::shown).toList();
    Json.Builder json =
        Json.object()
            .put("user_id", user)
            .put("valid_scopes", kept.at("valid_scopes"))
            .put("records", Json.array(records));
    return Response.json(200, json).from(reply.outcome());
  }

  private static Json shown(Json record) {
    Json.Builder shown = Json.object();
    SHOWN.forEach(name -> shown.putPresent(name, record.at(name)));
    TIMES.forEach(name -> shown.putPresent(name, ServiceText.utc(record.at(name))));
    return shown.build();
  }

  /** Once: a second call after a lost reply could grant again what was revoked in between. */
  private Response change(Exchange exchange) throws InterruptedException {
    Set<String> granted = granted(exchange.json());
    Set<String> revoked = revoked(exchange.json(), granted);
    List<Json> revokes =
        revoked.stream().map(scope -> Json.object().put("scope", scope).build()).toList();
    Json change =
        Json.object()
            .put("grants", Json.array(exchange.json().at("grants").items()))
            .put("revokes", Json.array(revokes))
            .build();
    Upstreams.Success reply;
    try {
      reply = upstreams.json(Upstream.SECURITY, Call.post(pathOf(exchange), change), exchange);
    } finally {
      // A failed call may have changed it too.
      consent.forget(exchange.user());
    }
    reply.require(isDone(reply.json(), granted, revoked), Upstream.SECURITY);
    return read(exchange);
  }

  private static Set<String> granted(Json body) {
    Set<String> granted = new HashSet<>();
    List<Json> grants = body.at("grants").items();
    for (int i = 0; i < grants.size(); i++) {
      if (!granted.add(grants.get(i).at("scope").string(""))) {
        throw new ApiException(ApiError.invalid("/grants/" + i + "/scope", "repeated"));
      }
    }
    return granted;
  }

  private static Set<String> revoked(Json body, Set<String> granted) {
    Set<String> revoked = new HashSet<>();
    List<Json> revokes = body.at("revokes").items();
    for (int i = 0; i < revokes.size(); i++) {
      String scope = revokes.get(i).string("");
      if (granted.contains(scope)) {
        throw new ApiException(ApiError.invalid("/revokes/" + i, "granted"));
      }
      revoked.add(scope);
    }
    return revoked;
  }

  /**
   * The service says success whatever it did; the truth is in its lists. That there was nothing to
   * revoke is no failure: the scope is not valid, which is what the caller wants.
   */
  private static boolean isDone(Json reply, Set<String> granted, Set<String> revoked) {
    Json now = reply.at("consent");
    Set<String> valid = new HashSet<>();
    now.at("valid_scopes").items().forEach(scope -> valid.add(scope.string("")));
    boolean noError =
        now.at("errors").items().stream()
            .map(error -> error.string(""))
            .allMatch(
                error ->
                    error.startsWith(REVOKE_NOT_FOUND)
                        && revoked.contains(error.substring(REVOKE_NOT_FOUND.length())));
    return reply.at("status").string("").equals("success")
        && now.at("errors").isArray()
        && noError
        && valid.containsAll(granted)
        && revoked.stream().noneMatch(valid::contains);
  }
}
