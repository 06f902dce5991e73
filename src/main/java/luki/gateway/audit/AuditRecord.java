package luki.gateway.audit;

import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Set;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Principal;
import luki.gateway.http.Principal.Users;
import luki.gateway.json.Json;
import luki.gateway.keys.KeyedHash;
import org.jspecify.annotations.Nullable;

/**
 * A refusal, a key change or a change of consent. It has no field for a path, a body, a name or an
 * address: caller and user are keyed hashes, and the rest are closed sets and ids of the gateway.
 *
 * @param who the same keyed hash as in the access log, "" for no caller
 * @param user whose consent was changed: the hash of a caller with a token of that user; else ""
 * @param subject the operation that was refused, the id of the key that was changed, the scope of
 *     the consent, or a count
 * @param code the error's code, "" where there is none
 * @param policy which contract and configuration decided
 * @param traceId "" for a key change
 */
public record AuditRecord(
    Instant at,
    String who,
    String user,
    Rule rule,
    Decision decision,
    String subject,
    String code,
    String policy,
    String traceId) {

  /** The rule that decided. */
  public enum Rule {
    CREDENTIAL,
    SCOPE,
    OWNER,
    CONSENT,
    KEYS,
    /** The trail itself. */
    TRAIL
  }

  /** The decision. */
  public enum Decision {
    DENY,
    /** Denials within a minute that have no records of their own; the subject is their number. */
    DENY_MANY,
    CREATE,
    GRANT,
    ROTATE,
    REVOKE,
    /** Records that did not fit and are lost; the subject is their number. */
    LOSE,
    /** Bytes of a truncated record that were removed; the subject is their number. */
    CUT
  }

  /** The rule behind a refusal; null for a refusal that does not depend on the caller. */
  static @Nullable Rule ruleOf(ErrorCode code) {
    return switch (code) {
      case UNAUTHENTICATED, IDENTITY_UNAVAILABLE -> Rule.CREDENTIAL;
      case FORBIDDEN -> Rule.SCOPE;
      case NOT_OWNER -> Rule.OWNER;
      case CONSENT_DENIED, CONSENT_UNAVAILABLE -> Rule.CONSENT;
      default -> null;
    };
  }

  /** A refusal that depends on the caller. */
  static AuditRecord denial(
      Exchange exchange, @Nullable Principal who, Rule rule, ErrorCode code, Context context) {
    String caller = who == null ? "" : context.hash().nameOf(who).value();
    return of(context, caller, rule, Decision.DENY, exchange.operation().id())
        .with("", code.name(), exchange.trace().traceId());
  }

  /** A change of the key file; {@code who} is the owner of the key. */
  public static AuditRecord keyChange(
      Decision decision, String keyId, String owner, Context context) {
    Principal.Key holder =
        new Principal.Key(keyId, keyId, owner, Set.of(), Users.only(Set.of()), null);
    return of(context, context.hash().nameOf(holder).value(), Rule.KEYS, decision, keyId);
  }

  /**
   * A change of the consent of the exchange's user.
   *
   * @param decision GRANT or REVOKE
   * @param code null when it was made; otherwise it may have been made or not
   */
  static AuditRecord consentChange(
      Exchange exchange,
      Decision decision,
      String scope,
      @Nullable ErrorCode code,
      Context context) {
    String caller = context.hash().nameOf(exchange.principal()).value();
    String consenting = context.hash().shortOf("user:" + exchange.user().value());
    return of(context, caller, Rule.CONSENT, decision, scope)
        .with(consenting, code == null ? "" : code.name(), exchange.trace().traceId());
  }

  /** So many denials for one reason. */
  static AuditRecord denials(DenialReason reason, long count, Context context) {
    return of(context, reason.who, reason.rule, Decision.DENY_MANY, Long.toString(count))
        .with("", reason.code, "");
  }

  /** Why somebody was refused; {@code who} is "" for a caller without a valid credential. */
  record DenialReason(String who, Rule rule, String code) {}

  DenialReason reason() {
    return new DenialReason(who, rule, code);
  }

  /** What happened to the trail itself, so that each gap is recorded. */
  static AuditRecord ofTrail(Decision decision, long count, Context context) {
    return of(context, "", Rule.TRAIL, decision, Long.toString(count));
  }

  /** One without a user, a code and a trace. */
  private static AuditRecord of(
      Context context, String who, Rule rule, Decision decision, String subject) {
    return new AuditRecord(
        context.now(), who, "", rule, decision, subject, "", context.policy(), "");
  }

  private AuditRecord with(String consenting, String error, String trace) {
    return new AuditRecord(at, who, consenting, rule, decision, subject, error, policy, trace);
  }

  /** The values that all records of a process share. */
  public record Context(KeyedHash hash, String policy, Clock clock) {
    Instant now() {
      return clock.instant().truncatedTo(ChronoUnit.MILLIS);
    }
  }

  /** Its members, without those of the chain. */
  Json.Builder members() {
    return Json.object()
        .put("at", at.toString())
        .put("who", who)
        .putPresent("user", user.isEmpty() ? Json.MISSING : Json.of(user))
        .put("rule", rule.name())
        .put("decision", decision.name())
        .put("subject", subject)
        .put("code", code)
        .put("policy", policy)
        .put("trace_id", traceId);
  }
}
