package luki.gateway.tokens;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.tokens.TokenVerifier.BearerToken;
import org.jspecify.annotations.Nullable;

/**
 * The parts of a compact JWS (RFC 7515 §7.1), not verified. Another encoding of the same bytes and
 * extensions are refused. Keys in the header, their fingerprints and their addresses (jwk, x5c,
 * x5t, jku, x5u) are not read: only {@code kid} selects a key (RFC 8725 §3.10). The registered
 * claims (RFC 7519 §4.1) are read strictly.
 *
 * @param algorithm as the header names it; the key decides whether it may
 * @param type in lower case without {@code application/}, "" where there is none
 */
record SignedToken(
    String algorithm,
    @Nullable String keyId,
    String type,
    Json claims,
    String signingInput,
    String signature) {
  private static final int MAX_KEY_ID = 256;
  // So that the skew can be added without an overflow.
  private static final BigDecimal MAX_EXPIRY =
      BigDecimal.valueOf(Instant.MAX.getEpochSecond() - 86_400);
  // crit: no extension is understood here. cty: a token within a token. b64, zip: another form.
  private static final Set<String> REFUSED = Set.of("crit", "b64", "zip", "cty", "enc");

  static Optional<SignedToken> parse(BearerToken token) {
    String[] parts = token.text().split("\\.", -1);
    if (parts.length != 3) {
      return Optional.empty();
    }
    byte[] header = decoded(parts[0]);
    byte[] payload = decoded(parts[1]);
    byte[] signature = decoded(parts[2]);
    if (header.length == 0 || payload.length == 0 || signature.length == 0) {
      return Optional.empty();
    }
    try {
      Json head = Json.parse(header);
      Json claims = Json.parse(payload);
      return isPlain(head) && claims.isObject()
          ? Optional.of(
              new SignedToken(
                  head.at("alg").string(""),
                  head.at("kid").string(),
                  typeOf(head),
                  claims,
                  parts[0] + "." + parts[1],
                  parts[2]))
          : Optional.empty();
    } catch (InvalidJson malformed) {
      return Optional.empty();
    }
  }

  /**
   * Has an expiry and is not from the future: {@code nbf} and {@code iat} may be as far ahead as
   * the skew. It may have expired.
   */
  boolean hasBegun(Instant now, Duration skew) {
    BigDecimal latest = seconds(now.plus(skew));
    return expiry().isAfter(Instant.EPOCH)
        && isAtMost(claims.at("nbf"), latest)
        && isAtMost(claims.at("iat"), latest);
  }

  /** At {@code exp + skew} itself a token is expired. */
  boolean hasExpired(Instant now, Duration skew) {
    return !now.isBefore(expiry().plus(skew));
  }

  private static boolean isAtMost(Json time, BigDecimal latest) {
    BigDecimal seconds = time.number();
    return seconds == null ? time.isMissing() : seconds.compareTo(latest) <= 0;
  }

  private static BigDecimal seconds(Instant time) {
    return BigDecimal.valueOf(time.getEpochSecond()).add(BigDecimal.valueOf(time.getNano(), 9));
  }

  /** {@code exp}, a NumericDate that may have a fraction; the epoch where it is no such time. */
  Instant expiry() {
    BigDecimal exp = claims.at("exp").number();
    // The bounds come first: arithmetic with a vast exponent would take all memory.
    if (exp == null || exp.compareTo(BigDecimal.ONE) < 0 || exp.compareTo(MAX_EXPIRY) > 0) {
      return Instant.EPOCH;
    }
    long seconds = exp.longValue();
    BigDecimal fraction = exp.subtract(BigDecimal.valueOf(seconds));
    return Instant.ofEpochSecond(seconds, fraction.movePointRight(9).longValue());
  }

  /** {@code aud} is the audience, or an array that contains it. */
  boolean isFor(String audience) {
    Json named = claims.at("aud");
    return audience.equals(named.string())
        || named.items().stream().anyMatch(one -> audience.equals(one.string()));
  }

  /** Base64url without padding in its canonical form; nothing for any other. */
  private static byte[] decoded(String part) {
    try {
      byte[] bytes = Base64.getUrlDecoder().decode(part.getBytes(StandardCharsets.ISO_8859_1));
      String again = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
      return again.equals(part) ? bytes : new byte[0];
    } catch (IllegalArgumentException malformed) {
      return new byte[0];
    }
  }

  private static boolean isPlain(Json head) {
    Json keyId = head.at("kid");
    boolean goodKeyId =
        keyId.isMissing()
            || (keyId.string() != null
                && keyId.string("").length() <= MAX_KEY_ID
                && keyId.string("").chars().noneMatch(Character::isISOControl));
    return head.isObject()
        && head.at("alg").string() != null
        && head.members().keySet().stream()
            .noneMatch(name -> REFUSED.contains(name.toLowerCase(Locale.ROOT)))
        && goodKeyId
        && (head.at("typ").isMissing() || !typeOf(head).isEmpty());
  }

  private static String typeOf(Json head) {
    String type = head.at("typ").string("").toLowerCase(Locale.ROOT);
    // RFC 7515 §4.1.9: "application/" may be left out.
    return type.startsWith("application/") ? type.substring("application/".length()) : type;
  }
}
