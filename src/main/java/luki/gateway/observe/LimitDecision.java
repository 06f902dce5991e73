package luki.gateway.observe;

import java.util.Locale;

/** What a limit said. */
public enum LimitDecision {
  ALLOWED,
  REFUSED,
  UNAVAILABLE;

  private final String label = name().toLowerCase(Locale.ROOT);

  String label() {
    return label;
  }
}
