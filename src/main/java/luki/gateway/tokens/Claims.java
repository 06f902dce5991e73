package luki.gateway.tokens;

import java.time.Duration;
import java.time.Instant;
import java.util.OptionalLong;
import luki.gateway.json.Json;

/** The registered claims of RFC 7519 §4.1, read strictly. Times are whole seconds. */
final class Claims {
  private Claims() {}

  /**
   * Neither over nor from the future, give or take the skew. In the very second {@code exp + skew}
   * a token is over; {@code nbf} and {@code iat} may be as far ahead as the skew.
   */
  static boolean areCurrent(Json claims, Instant now, Duration skew) {
    OptionalLong expires = claims.at("exp").integer();
    if (expires.isEmpty()
        || expires.getAsLong() <= 0
        || now.getEpochSecond() >= expires.getAsLong() + skew.toSeconds()) {
      return false;
    }
    long latest = now.getEpochSecond() + skew.toSeconds();
    return isAtMost(claims.at("nbf"), latest) && isAtMost(claims.at("iat"), latest);
  }

  private static boolean isAtMost(Json time, long latest) {
    if (time.isMissing()) {
      return true;
    }
    OptionalLong seconds = time.integer();
    return seconds.isPresent() && seconds.getAsLong() <= latest;
  }

  /** When a token whose claims are current ends. */
  static Instant expiry(Json claims) {
    return Instant.ofEpochSecond(claims.at("exp").integer().orElse(0));
  }

  /** {@code aud} is the audience, or an array that has it. */
  static boolean areFor(Json claims, String audience) {
    Json named = claims.at("aud");
    return audience.equals(named.string())
        || named.items().stream().anyMatch(one -> audience.equals(one.string()));
  }
}
