package luki.gateway.observe;

import java.util.Locale;

/** The gates that take time, as their spans are called. */
public enum TracedStep {
  AUTHENTICATE,
  LIMIT,
  CONSENT;

  private final String label = name().toLowerCase(Locale.ROOT);

  String label() {
    return label;
  }
}
