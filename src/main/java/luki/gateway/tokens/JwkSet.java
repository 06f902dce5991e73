package luki.gateway.tokens;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.KeyOperation;
import com.nimbusds.jose.jwk.KeyUse;
import com.nimbusds.jose.jwk.OctetKeyPair;
import com.nimbusds.jose.jwk.RSAKey;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.spec.X509EncodedKeySpec;
import java.text.ParseException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.tokens.TrustedKey.KeySource;
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
  public List<TrustedKey> named(@Nullable String id) {
    return id == null
        ? keys
        : keys.stream().filter(key -> key.id() == null || id.equals(key.id())).toList();
  }

  /**
   * A PEM of public keys, such as the present one and the next.
   *
   * @throws IllegalArgumentException it has none, or one that is not accepted here
   */
  static JwkSet ofPem(String text) {
    List<TrustedKey> keys = new ArrayList<>();
    for (Matcher pem = PEM.matcher(text); pem.find(); ) {
      byte[] der = Base64.getMimeDecoder().decode(pem.group(1));
      keys.add(
          Stream.of("RSA", "EC", "Ed25519")
              .flatMap(kind -> publicKey(kind, der).stream())
              .flatMap(key -> TrustedKey.of(null, key).stream())
              .findFirst()
              .orElseThrow(() -> new IllegalArgumentException("a key of another kind")));
    }
    if (keys.isEmpty()) {
      throw new IllegalArgumentException("no public key");
    }
    return new JwkSet(keys);
  }

  private static Optional<PublicKey> publicKey(String kind, byte[] der) {
    try {
      return Optional.of(KeyFactory.getInstance(kind).generatePublic(new X509EncodedKeySpec(der)));
    } catch (GeneralSecurityException another) {
      return Optional.empty();
    }
  }

  /** The pointers to the entries of a JWK Set that are left out. */
  static List<String> leftOut(byte[] json) {
    List<Optional<TrustedKey>> entries = entries(json);
    return IntStream.range(0, entries.size())
        .filter(i -> entries.get(i).isEmpty())
        .mapToObj(i -> "/keys/" + i)
        .toList();
  }

  /** A JWK Set (RFC 7517); empty when it is none, or has no key that can be used. */
  static Optional<JwkSet> ofJwks(byte[] json) {
    List<TrustedKey> keys = entries(json).stream().flatMap(Optional::stream).toList();
    return keys.isEmpty() || keys.size() > MAX_KEYS
        ? Optional.empty()
        : Optional.of(new JwkSet(keys));
  }

  /**
   * A JWK Set of internal services.
   *
   * @throws IllegalArgumentException it has no key that can be used, or one without an id, which
   *     would be a key of every service
   */
  static JwkSet ofServices(String json) {
    return ofJwks(json.getBytes(StandardCharsets.UTF_8))
        .filter(set -> set.keys.stream().noneMatch(key -> key.id() == null || key.id().isBlank()))
        .orElseThrow(() -> new IllegalArgumentException("not a JWK Set of services"));
  }

  /** The key of each entry, empty for one that is left out; none when it is no JWK Set. */
  private static List<Optional<TrustedKey>> entries(byte[] json) {
    List<Optional<JWK>> entries;
    try {
      entries = Json.parse(json).at("keys").items().stream().map(JwkSet::parsed).toList();
    } catch (InvalidJson notJson) {
      return List.of();
    }
    // A private key that is published is compromised, and so is each entry of its public half.
    Set<Map<String, ?>> compromised =
        entries.stream()
            .flatMap(Optional::stream)
            .filter(JWK::isPrivate)
            .map(JWK::getRequiredParams)
            .collect(Collectors.toSet());
    List<Optional<TrustedKey>> keys =
        entries.stream()
            .map(jwk -> jwk.filter(one -> !compromised.contains(one.getRequiredParams())))
            .map(jwk -> jwk.flatMap(JwkSet::key))
            .toList();
    List<TrustedKey> usable = keys.stream().flatMap(Optional::stream).toList();
    return keys.stream()
        .map(key -> key.filter(one -> usable.stream().noneMatch(one::isAmbiguousWith)))
        .toList();
  }

  private static Optional<JWK> parsed(Json entry) {
    try {
      return entry.isObject() ? Optional.of(JWK.parse(entry.toString())) : Optional.empty();
    } catch (ParseException | IllegalArgumentException doubtful) {
      return Optional.empty();
    }
  }

  private static Optional<TrustedKey> key(JWK jwk) {
    boolean forSignatures =
        (jwk.getKeyUse() == null || jwk.getKeyUse().equals(KeyUse.SIGNATURE))
            && (jwk.getKeyOperations() == null
                || jwk.getKeyOperations().contains(KeyOperation.VERIFY));
    if (!forSignatures) {
      return Optional.empty();
    }
    try {
      Optional<TrustedKey> key =
          publicKey(jwk).flatMap(open -> TrustedKey.of(jwk.getKeyID(), open));
      return jwk.getAlgorithm() == null
          ? key
          : key.flatMap(k -> k.onlyFor(jwk.getAlgorithm().getName()));
    } catch (JOSEException | IllegalArgumentException doubtful) {
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
