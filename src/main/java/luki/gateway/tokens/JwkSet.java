package luki.gateway.tokens;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.KeyOperation;
import com.nimbusds.jose.jwk.KeyUse;
import com.nimbusds.jose.jwk.OctetKeyPair;
import com.nimbusds.jose.jwk.RSAKey;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.spec.X509EncodedKeySpec;
import java.text.ParseException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.tokens.TokenVerifier.KeySource;
import org.jspecify.annotations.Nullable;

/** Public keys that are trusted together. A key that cannot be trusted is left out. */
record JwkSet(List<TrustedKey> keys) implements KeySource {
  private static final Pattern PEM =
      Pattern.compile("-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\\s]+)-----END PUBLIC KEY-----");
  private static final int MAX_KEYS = 100;
  // RFC 8410 §4: what precedes the 32 bytes of an Ed25519 key.
  private static final String ED25519_HEAD = "302a300506032b6570032100";

  JwkSet {
    keys = List.copyOf(keys);
  }

  @Override
  public Optional<List<TrustedKey>> find(@Nullable String keyId) {
    return Optional.of(named(keyId));
  }

  /** Those of that id; all of them for a token that names none. */
  List<TrustedKey> named(@Nullable String id) {
    return id == null
        ? keys
        : keys.stream().filter(key -> key.id() == null || id.equals(key.id())).toList();
  }

  /**
   * A PEM of one public key.
   *
   * @throws IllegalArgumentException it has none that is accepted here
   */
  static JwkSet ofPem(String text) {
    Matcher pem = PEM.matcher(text);
    if (pem.find()) {
      byte[] der = Base64.getMimeDecoder().decode(pem.group(1));
      for (String kind : List.of("RSA", "EC", "Ed25519")) {
        Optional<TrustedKey> key = publicKey(kind, der).flatMap(k -> TrustedKey.of(null, k));
        if (key.isPresent()) {
          return new JwkSet(List.of(key.get()));
        }
      }
    }
    throw new IllegalArgumentException("no RSA (2048 bits or more), P-256, P-384 or Ed25519 key");
  }

  private static Optional<PublicKey> publicKey(String kind, byte[] der) {
    try {
      return Optional.of(KeyFactory.getInstance(kind).generatePublic(new X509EncodedKeySpec(der)));
    } catch (GeneralSecurityException another) {
      return Optional.empty();
    }
  }

  /** The entries of a JWK Set; none when it is no JWK Set. */
  private static List<Json> entries(byte[] json) {
    try {
      return Json.parse(json).at("keys").items();
    } catch (InvalidJson notJson) {
      return List.of();
    }
  }

  /** The pointers to the entries of a JWK Set that are left out. */
  static List<String> leftOut(byte[] json) {
    List<Json> entries = entries(json);
    return IntStream.range(0, entries.size())
        .filter(i -> key(entries.get(i)).isEmpty())
        .mapToObj(i -> "/keys/" + i)
        .toList();
  }

  /** A JWK Set (RFC 7517); empty when it is none, or has no key that can be used. */
  static Optional<JwkSet> ofJwks(byte[] json) {
    List<Json> entries = entries(json);
    if (entries.size() > MAX_KEYS) {
      return Optional.empty();
    }
    List<TrustedKey> keys = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    Set<String> twice = new HashSet<>();
    for (Json entry : entries) {
      String id = entry.at("kid").string();
      if (id != null && !seen.add(id)) {
        twice.add(id);
      }
      key(entry).ifPresent(keys::add);
    }
    // Two keys with one id are ambiguous.
    keys.removeIf(key -> twice.contains(Objects.requireNonNullElse(key.id(), "")));
    return keys.isEmpty() ? Optional.empty() : Optional.of(new JwkSet(keys));
  }

  private static Optional<TrustedKey> key(Json entry) {
    if (!entry.isObject()) {
      return Optional.empty();
    }
    try {
      JWK jwk = JWK.parse(entry.toString());
      boolean forSignatures =
          (jwk.getKeyUse() == null || jwk.getKeyUse().equals(KeyUse.SIGNATURE))
              && (jwk.getKeyOperations() == null
                  || jwk.getKeyOperations().contains(KeyOperation.VERIFY));
      // A private key that is published is compromised.
      if (jwk.isPrivate() || !forSignatures) {
        return Optional.empty();
      }
      Optional<TrustedKey> key =
          publicKey(jwk).flatMap(open -> TrustedKey.of(jwk.getKeyID(), open));
      return jwk.getAlgorithm() == null
          ? key
          : key.flatMap(k -> k.onlyFor(jwk.getAlgorithm().getName()));
    } catch (ParseException | JOSEException | IllegalArgumentException doubtful) {
      return Optional.empty();
    }
  }

  private static Optional<PublicKey> publicKey(JWK jwk) throws JOSEException {
    return switch (jwk) {
      case RSAKey rsa -> Optional.of(rsa.toRSAPublicKey());
      case ECKey ec -> Optional.of(ec.toECPublicKey());
      case OctetKeyPair pair when pair.getCurve().equals(Curve.Ed25519) ->
          publicKey("Ed25519", ed25519(pair.getDecodedX()));
      default -> Optional.empty();
    };
  }

  private static byte[] ed25519(byte[] raw) {
    return HexFormat.of().parseHex(ED25519_HEAD + HexFormat.of().formatHex(raw));
  }
}
