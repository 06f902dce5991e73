package luki.gateway.observe;

import java.util.Locale;

/** Which limit decided. */
public enum LimitName {
  USER,
  GLOBAL,
  AUTH_FAILURES,
  QUOTA;

  private final String label = name().toLowerCase(Locale.ROOT);

  String label() {
    return label;
  }
}
