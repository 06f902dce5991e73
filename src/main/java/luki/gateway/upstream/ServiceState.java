package luki.gateway.upstream;

import java.util.Locale;

/** What is known of a service, from calls and from a light question every few seconds. */
public enum ServiceState {
  UP,
  DOWN,
  UNKNOWN,
  NOT_CONFIGURED;

  private final String label = name().toLowerCase(Locale.ROOT);

  public String label() {
    return label;
  }
}
