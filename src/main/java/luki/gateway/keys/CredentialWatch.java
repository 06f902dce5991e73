package luki.gateway.keys;

import java.time.Clock;
import java.time.Duration;
import luki.gateway.http.Principal;

/** Looks again at the credential of a request that goes on for long. */
public final class CredentialWatch {
  private final ApiKeyStore keys;
  private final Duration skew;
  private final Clock clock;

  public CredentialWatch(ApiKeyStore keys, Duration skew, Clock clock) {
    this.keys = keys;
    this.skew = skew;
    this.clock = clock;
  }

  /** Neither revoked nor over. */
  public boolean isStillGood(Principal principal) {
    return switch (principal) {
      case Principal.Anonymous _ -> true;
      case Principal.Key key -> keys.isStillGood(key);
      case Principal.User user -> clock.instant().isBefore(user.expires().plus(skew));
      case Principal.Service service -> clock.instant().isBefore(service.expires().plus(skew));
    };
  }
}
