package luki.gateway.tokens;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import org.jspecify.annotations.Nullable;

/**
 * A compact JWS (RFC 7515 §7.1) taken apart, not verified. What RFC 8725 warns of is refused here:
 * another encoding of the same bytes, keys and addresses of keys in the header, extensions.
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
  // crit: no extension is understood here. cty: a token within a token. b64, zip: another form.
  private static final Set<String> REFUSED =
      Set.of("crit", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#s256", "b64", "zip", "cty", "enc");

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

  /** Base64url without padding in its one canonical form; nothing at all for any other. */
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
    if (!head.isObject() || head.at("alg").string() == null) {
      return false;
    }
    for (String name : head.members().keySet()) {
      if (REFUSED.contains(name.toLowerCase(Locale.ROOT))) {
        return false;
      }
    }
    Json keyId = head.at("kid");
    Json type = head.at("typ");
    boolean goodKeyId =
        keyId.isMissing()
            || (keyId.string() != null
                && keyId.string("").length() <= MAX_KEY_ID
                && keyId.string("").chars().noneMatch(Character::isISOControl));
    return goodKeyId && (type.isMissing() || type.string() != null);
  }

  private static String typeOf(Json head) {
    String type = head.at("typ").string("").toLowerCase(Locale.ROOT);
    // RFC 7515 §4.1.9: "application/" may be left out.
    return type.startsWith("application/") ? type.substring("application/".length()) : type;
  }
}
