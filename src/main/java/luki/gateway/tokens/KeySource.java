package luki.gateway.tokens;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Where the keys of an issuer come from. */
interface KeySource {
  /** Keys, or the word that they cannot be had now. */
  sealed interface Lookup {
    record Found(List<TrustedKey> keys) implements Lookup {
      public Found {
        keys = List.copyOf(keys);
      }
    }

    record Unavailable() implements Lookup {}
  }

  Lookup find(@Nullable String keyId) throws InterruptedException;

  /** Changes whenever the keys do, so that nothing outlives them. */
  default long generation() {
    return 0;
  }

  /** Whether tokens can be judged at all. */
  default boolean isReady() {
    return true;
  }

  static KeySource fixed(JwkSet keys) {
    return keyId -> new Lookup.Found(keys.named(keyId));
  }
}
