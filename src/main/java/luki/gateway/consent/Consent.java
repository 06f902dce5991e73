package luki.gateway.consent;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import luki.gateway.consent.ConsentCache.Question;
import luki.gateway.http.Body;
import luki.gateway.http.Exchange;
import luki.gateway.http.Upstream;
import luki.gateway.http.UserId;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.upstream.Call;
import luki.gateway.upstream.Call.ServicePath;
import luki.gateway.upstream.Reply;
import luki.gateway.upstream.Upstreams;

/**
 * Asks the security service for consent. A revocation has effect at once, unless the operator lets
 * answers be cached for some seconds. Equal questions that are in flight share one call.
 */
public record Consent(Upstreams upstreams, Clock clock, ConsentCache answers) {
  private static final Set<String> DENIALS =
      Set.of("consent_denied", "consent_expired", "privacy_flags_denied");

  /** Caches each answer for that time. */
  public Consent(Upstreams upstreams, Duration keptFor, Clock clock) {
    this(upstreams, clock, new ConsentCache(keptFor, System::nanoTime));
  }

  /** The same with the same cached answers, but other clients. */
  public Consent with(Upstreams others) {
    return new Consent(others, clock, answers);
  }

  /** An outage is not a denial. */
  public enum ConsentStatus {
    ALLOWED,
    DENIED,
    UNAVAILABLE
  }

  /** An answer of the service, and when it came. */
  public record Answer(ConsentStatus status, Instant at) {
    /** No answer came in time. */
    public static Answer none() {
      return new Answer(ConsentStatus.UNAVAILABLE, Instant.EPOCH);
    }
  }

  /** Whether this may be done with the user's data. Anything but a clear yes counts as no. */
  public Answer ask(Exchange exchange, List<String> scopes, String operation)
      throws InterruptedException {
    Question question = new Question(exchange.user(), scopes, operation);
    return answers.get(question, exchange.deadline(), () -> askService(exchange, question));
  }

  /** Asks the service now, whatever is cached, and caches the answer. */
  Answer askAnew(Exchange exchange, Question question) throws InterruptedException {
    return answers.renew(question, () -> askService(exchange, question));
  }

  /** Drops what is known of a user whose consent was changed. */
  public void forget(UserId user) {
    answers.forget(user);
  }

  private Answer askService(Exchange exchange, Question question) throws InterruptedException {
    if (question.scopes().isEmpty()) {
      throw new IllegalArgumentException("an empty list would always be allowed");
    }
    return new Answer(statusOf(exchange, question), clock.instant());
  }

  private ConsentStatus statusOf(Exchange exchange, Question asked) throws InterruptedException {
    Json question =
        Json.object()
            .put("user_id", asked.user().value())
            .put("requester_role", "api_gateway")
            .put("requested_scopes", Json.strings(asked.scopes()))
            .put("context", Json.object().put("operation", asked.operation()).build())
            .build();
    Call call = Call.post(new ServicePath("/policy/enforce"), question).asIdempotent();
    return switch (upstreams.call(Upstream.SECURITY, call, exchange)) {
      case Reply.Failed _ -> ConsentStatus.UNAVAILABLE;
      case Reply.Got got -> statusOf(got);
    };
  }

  private static ConsentStatus statusOf(Reply.Got got) {
    Json answer;
    try {
      answer = Json.parseReply(Body.bytesOf(got.body()));
    } catch (InvalidJson malformed) {
      return ConsentStatus.UNAVAILABLE;
    }
    if (got.status() == 200) {
      Json allowed = answer.at("allowed");
      return allowed.isTrue()
          ? ConsentStatus.ALLOWED
          : allowed.isFalse() ? ConsentStatus.DENIED : ConsentStatus.UNAVAILABLE;
    }
    // The reason is in `detail`, not at the top.
    return got.status() == 403 && DENIALS.contains(answer.at("detail").at("error").string(""))
        ? ConsentStatus.DENIED
        : ConsentStatus.UNAVAILABLE;
  }
}
