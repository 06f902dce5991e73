package luki.gateway.observe;

import java.util.Locale;

/** What became of a credential. */
public enum AuthOutcome {
  ACCEPTED,
  REFUSED,
  MALFORMED,
  UNAVAILABLE;

  private final String label = name().toLowerCase(Locale.ROOT);

  String label() {
    return label;
  }
}
