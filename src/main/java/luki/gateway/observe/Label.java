package luki.gateway.observe;

import java.util.Locale;

/** A value of a closed set, as metrics and traces show it. */
public interface Label {
  /** The name of the constant. */
  String name();

  /** The name in lower case. */
  default String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The kind of credential that was checked. */
  enum AuthMethod implements Label {
    NONE,
    API_KEY,
    BEARER
  }

  /** The result of an authentication. */
  enum AuthOutcome implements Label {
    ACCEPTED,
    REFUSED,
    MALFORMED,
    UNAVAILABLE
  }

  /** The decision of a limit. */
  enum LimitDecision implements Label {
    ALLOWED,
    REFUSED,
    UNAVAILABLE
  }

  /** Which limit decided. */
  enum LimitName implements Label {
    USER,
    GLOBAL,
    AUTH_FAILURES,
    QUOTA,
    SHARE
  }

  /** What was known of a request with an Idempotency-Key. */
  enum IdempotencyOutcome implements Label {
    NEW,
    REPLAYED,
    IN_PROGRESS,
    MISMATCH,
    UNAVAILABLE
  }

  /** How an event stream ended. */
  enum StreamOutcome implements Label {
    COMPLETED,
    CLIENT_CLOSED,
    UPSTREAM_ERROR,
    TIMEOUT,
    LIMIT,
    QUOTA,
    DRAINED,
    REVOKED
  }

  /** The steps of the chain that take time, as their spans are called. */
  enum TracedStep implements Label {
    AUTHENTICATE,
    LIMIT,
    CONSENT
  }

  /** How a call to a service ended. */
  enum UpstreamOutcome implements Label {
    OK,
    REJECTED,
    ERROR,
    UNAVAILABLE,
    TIMEOUT,
    SHED,
    CANCELLED
  }
}
