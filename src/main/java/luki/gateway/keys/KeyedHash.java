package luki.gateway.keys;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.HexFormat;
import java.util.concurrent.ConcurrentLinkedQueue;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import luki.gateway.http.BoundedCache;
import luki.gateway.http.Principal;
import luki.gateway.http.Principal.CallerName;

/**
 * HMAC-SHA-256 under one key. Instances of the MAC are reused: creating one costs more than a hash.
 */
public final class KeyedHash {
  private static final String ALGORITHM = "HmacSHA256";
  private static final int SHORT_HEX = 16;
  private static final int REMEMBERED = 10_000;

  private final SecretKeySpec key;
  private final ConcurrentLinkedQueue<Mac> idle = new ConcurrentLinkedQueue<>();
  private final BoundedCache<String, CallerName> shown = new BoundedCache<>(REMEMBERED, _ -> false);

  private KeyedHash(byte[] key) {
    this.key = new SecretKeySpec(key, ALGORITHM);
  }

  /** Under the pepper itself: what the key file stores. */
  public static KeyedHash ofPepper(String pepper) {
    return new KeyedHash(pepper.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Under a key derived from the pepper, so that hashes of different purposes cannot be compared.
   */
  public static KeyedHash derived(String pepper, String purpose) {
    return new KeyedHash(ofPepper(pepper).of("derive:" + purpose));
  }

  public byte[] of(String text) {
    Mac mac = idle.poll();
    if (mac == null) {
      mac = newMac();
    }
    byte[] hash = mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
    idle.offer(mac);
    return hash;
  }

  /** How a principal shows in the log; empty for an anonymous caller. */
  public CallerName nameOf(Principal principal) {
    return principal.subject().isEmpty()
        ? CallerName.NOBODY
        : named(principal.kind().label() + ":" + principal.subject());
  }

  /** The first 64 bits in hex; recent ones are cached. */
  public String shortOf(String who) {
    return named(who).value();
  }

  private CallerName named(String who) {
    CallerName known = shown.get(who);
    if (known != null) {
      return known;
    }
    CallerName name = new CallerName(HexFormat.of().formatHex(of(who)).substring(0, SHORT_HEX));
    shown.put(who, name);
    return name;
  }

  private Mac newMac() {
    try {
      Mac mac = Mac.getInstance(ALGORITHM);
      mac.init(key);
      return mac;
    } catch (GeneralSecurityException cannotBe) {
      throw new IllegalStateException(cannotBe);
    }
  }
}
