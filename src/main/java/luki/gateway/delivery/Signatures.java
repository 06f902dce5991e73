package luki.gateway.delivery;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import luki.http1.Fields;

/** The header fields of Standard Webhooks by which a receiver verifies a message. */
public final class Signatures {
  /** What a secret begins with; base64 of its bytes follows. */
  public static final String SECRET_PREFIX = "whsec_";

  private static final String ALGORITHM = "HmacSHA256";

  private Signatures() {}

  /**
   * Signs a message, once with each secret, so that a receiver can change from one to the next.
   *
   * @param id of the message, the same in each attempt
   * @param type of the body's content
   * @param secrets the newest first
   */
  public static Fields of(String id, Instant now, String type, byte[] body, List<String> secrets) {
    String seconds = Long.toString(now.getEpochSecond());
    List<String> signatures = new ArrayList<>();
    for (String secret : secrets) {
      byte[] key = Base64.getDecoder().decode(secret.substring(SECRET_PREFIX.length()));
      try {
        Mac mac = Mac.getInstance(ALGORITHM);
        mac.init(new SecretKeySpec(key, ALGORITHM));
        mac.update((id + "." + seconds + ".").getBytes(StandardCharsets.UTF_8));
        signatures.add("v1," + Base64.getEncoder().encodeToString(mac.doFinal(body)));
      } catch (GeneralSecurityException cannotBe) {
        throw new IllegalStateException(cannotBe);
      }
    }
    return Fields.of(
        "Content-Type", type,
        "webhook-id", id,
        "webhook-signature", String.join(" ", signatures),
        "webhook-timestamp", seconds);
  }
}
