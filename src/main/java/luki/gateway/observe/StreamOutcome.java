package luki.gateway.observe;

import java.util.Locale;

/** How an event stream ended. */
public enum StreamOutcome {
  COMPLETED,
  CLIENT_CLOSED,
  UPSTREAM_ERROR,
  TIMEOUT,
  LIMIT,
  QUOTA,
  DRAINED,
  REVOKED;

  private final String label = name().toLowerCase(Locale.ROOT);

  String label() {
    return label;
  }
}
