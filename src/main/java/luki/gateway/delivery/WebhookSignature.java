package luki.gateway.delivery;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import luki.gateway.config.Settings;

/** Signs as Standard Webhooks says: {@code v1,base64(HMAC-SHA256(id.timestamp.body))}. */
final class WebhookSignature {
  private static final String ALGORITHM = "HmacSHA256";
  private static final String PREFIX = "whsec_";

  private final List<SecretKeySpec> keys = new ArrayList<>();

  /**
   * With several secrets each message has several signatures, so that a receiver can change.
   *
   * @throws IllegalArgumentException a secret is not base64
   */
  WebhookSignature(List<Settings.Secret> secrets) {
    for (Settings.Secret secret : secrets) {
      String text = secret.value().substring(PREFIX.length());
      keys.add(new SecretKeySpec(Base64.getDecoder().decode(text), ALGORITHM));
    }
  }

  String of(String id, Instant timestamp, byte[] body) {
    List<String> signatures = new ArrayList<>();
    for (SecretKeySpec key : keys) {
      try {
        Mac mac = Mac.getInstance(ALGORITHM);
        mac.init(key);
        mac.update((id + "." + timestamp.getEpochSecond() + ".").getBytes(StandardCharsets.UTF_8));
        signatures.add("v1," + Base64.getEncoder().encodeToString(mac.doFinal(body)));
      } catch (GeneralSecurityException cannotBe) {
        throw new IllegalStateException(cannotBe);
      }
    }
    return String.join(" ", signatures);
  }
}
