package luki.gateway.auth;

import java.util.List;
import java.util.Set;
import luki.gateway.http.Body;
import luki.gateway.http.Downstream;
import luki.gateway.http.Exchange;
import luki.gateway.http.UserId;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.upstream.Call;
import luki.gateway.upstream.Reply;
import luki.gateway.upstream.ServicePath;
import luki.gateway.upstream.Upstreams;

/** Asks the security service each time: a revocation counts at once. */
public final class Consent {
  private static final Set<String> DENIALS =
      Set.of("consent_denied", "consent_expired", "privacy_flags_denied");

  private final Upstreams upstreams;

  public Consent(Upstreams upstreams) {
    this.upstreams = upstreams;
  }

  /** An outage is not a denial: the one is told apart from the other. */
  public enum Verdict {
    ALLOWED,
    DENIED,
    UNAVAILABLE
  }

  /** May this be done with the user's data? Whatever is not clearly a yes is none. */
  public Verdict ask(Exchange exchange, UserId user, List<String> scopes, String operation)
      throws InterruptedException {
    if (scopes.isEmpty()) {
      throw new IllegalArgumentException("an empty list would always be allowed");
    }
    Json question =
        Json.object()
            .put("user_id", user.value())
            .put("requester_role", "api_gateway")
            .put("requested_scopes", Json.strings(scopes))
            .put("context", Json.object().put("operation", operation).build())
            .build();
    Call call = Call.post(ServicePath.of("/policy/enforce"), question).mayRepeat();
    return switch (upstreams.call(Downstream.SECURITY, call, exchange)) {
      case Reply.Failed _ -> Verdict.UNAVAILABLE;
      case Reply.Got got -> verdict(got);
    };
  }

  private static Verdict verdict(Reply.Got got) {
    Json answer;
    try {
      answer = Json.parseReply(Body.bytesOf(got.body()));
    } catch (InvalidJson nonsense) {
      return Verdict.UNAVAILABLE;
    }
    if (got.status() == 200) {
      Json allowed = answer.at("allowed");
      return allowed.isTrue()
          ? Verdict.ALLOWED
          : allowed.isFalse() ? Verdict.DENIED : Verdict.UNAVAILABLE;
    }
    // The reason stands under `detail`, not at the top.
    return got.status() == 403 && DENIALS.contains(answer.at("detail").at("error").string(""))
        ? Verdict.DENIED
        : Verdict.UNAVAILABLE;
  }
}
