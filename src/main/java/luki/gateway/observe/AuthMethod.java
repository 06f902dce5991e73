package luki.gateway.observe;

import java.util.Locale;

/** What kind of credential was looked at. */
public enum AuthMethod {
  NONE,
  API_KEY,
  BEARER;

  private final String label = name().toLowerCase(Locale.ROOT);

  String label() {
    return label;
  }
}
