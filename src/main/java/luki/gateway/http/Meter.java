package luki.gateway.http;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What calls are counted in, for quotas and for bills. */
public enum Meter {
  REQUESTS,
  CHAT_MESSAGES,
  STREAMED_CHARACTERS;

  private final String label = name().toLowerCase(Locale.ROOT);

  public String label() {
    return label;
  }

  /** By its label; null where there is none of that name. */
  public static @Nullable Meter of(String label) {
    for (Meter meter : values()) {
      if (meter.label.equals(label)) {
        return meter;
      }
    }
    return null;
  }
}
