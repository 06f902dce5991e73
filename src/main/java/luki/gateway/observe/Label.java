package luki.gateway.observe;

import java.util.Locale;

/** A value of a closed set, as metrics and traces show it. */
public sealed interface Label {
  /** The name of the constant. */
  String name();

  /** The name in lower case. */
  default String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** What kind of credential was looked at. */
  enum AuthMethod implements Label {
    NONE,
    API_KEY,
    BEARER
  }

  /** What became of a credential. */
  enum AuthOutcome implements Label {
    ACCEPTED,
    REFUSED,
    MALFORMED,
    UNAVAILABLE
  }

  /** What a limit said. */
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
    QUOTA
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

  /** The gates that take time, as their spans are called. */
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
