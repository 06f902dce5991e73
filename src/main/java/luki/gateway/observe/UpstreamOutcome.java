package luki.gateway.observe;

import java.util.Locale;

/** How a call to a service ended. */
public enum UpstreamOutcome {
  OK,
  REJECTED,
  ERROR,
  UNAVAILABLE,
  TIMEOUT,
  SHED,
  CANCELLED;

  private final String label = name().toLowerCase(Locale.ROOT);

  String label() {
    return label;
  }
}
