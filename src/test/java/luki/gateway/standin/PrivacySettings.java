package luki.gateway.standin;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Security's privacy switches by user; reading a user's settings writes the defaults. */
final class PrivacySettings {
  private static final Map<String, String> SWITCH_OF_SCOPE =
      Map.of(
          "analytics", "allow_analytics",
          "differential_privacy", "allow_analytics",
          "personalization", "allow_personalization",
          "research", "allow_research",
          "model_training", "allow_research",
          "federated_learning", "allow_research");

  private final Map<String, Map<String, @Nullable Object>> byUser = new LinkedHashMap<>();

  synchronized Map<String, @Nullable Object> of(String user) {
    return new LinkedHashMap<>(stored(user));
  }

  synchronized Map<String, @Nullable Object> update(String user, JsonNode changes) {
    Map<String, @Nullable Object> settings = stored(user);
    Map<String, @Nullable Object> extra = new LinkedHashMap<>();
    if (settings.get("extra") instanceof Map<?, ?> old) {
      old.forEach((name, value) -> extra.put(String.valueOf(name), value));
    }
    for (Map.Entry<String, JsonNode> change : changes.properties()) {
      boolean known = settings.containsKey(change.getKey()) && !change.getKey().equals("extra");
      (known ? settings : extra).put(change.getKey(), Json.plain(change.getValue()));
    }
    settings.put("user_id", user);
    settings.put("extra", extra);
    return new LinkedHashMap<>(settings);
  }

  /** The scopes that a switch of this user turns off. */
  synchronized List<String> blocked(String user, List<String> scopes) {
    Map<String, @Nullable Object> settings = stored(user);
    return scopes.stream()
        .filter(SWITCH_OF_SCOPE::containsKey)
        .filter(scope -> !Boolean.TRUE.equals(settings.get(SWITCH_OF_SCOPE.get(scope))))
        .toList();
  }

  private Map<String, @Nullable Object> stored(String user) {
    return byUser.computeIfAbsent(user, PrivacySettings::defaults);
  }

  private static Map<String, @Nullable Object> defaults(String user) {
    return Json.object(
        "user_id",
        user,
        "privacy_level",
        "medium",
        "data_retention_days",
        2555,
        "anonymize_data",
        true,
        "allow_analytics",
        true,
        "allow_personalization",
        true,
        "allow_research",
        false,
        "extra",
        Map.of());
  }
}
