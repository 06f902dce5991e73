package luki.gateway.http;

import java.util.Locale;

/** The services behind the gateway. */
public enum Upstream {
  AGENT("Agent service"),
  MEMORY("Memory service"),
  COGNITIVE("Cognitive service"),
  ENGAGEMENT("Engagement service"),
  REPORTING("Reporting service"),
  SECURITY("Security service"),
  TOKENS("Token service");

  private final String title;
  private final String label;

  Upstream(String title) {
    this.title = title;
    this.label = name().toLowerCase(Locale.ROOT);
  }

  /** The name that a caller reads. */
  public String title() {
    return title;
  }

  /** Whether each of its calls may be made twice: the id of a memory follows from its text. */
  public boolean idempotent() {
    return this == MEMORY;
  }

  /** The name in metrics, logs, tokens, the contract and {@code /health}. */
  public String label() {
    return label;
  }
}
