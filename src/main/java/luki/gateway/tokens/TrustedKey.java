package luki.gateway.tokens;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSVerifier;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.crypto.RSASSAVerifier;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.util.Base64URL;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.PublicKey;
import java.security.Signature;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.EdECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A public key that tokens may be signed with, and the algorithms that it may be used for. They
 * follow from the key, never from a token (RFC 8725 §3.1).
 */
record TrustedKey(@Nullable String id, Set<String> algorithms, PublicKey key) {
  private static final int MIN_RSA_BITS = 2048;
  private static final int MAX_RSA_BITS = 8192;
  private static final int LARGEST_SMALL_PRIME = 167;

  /** Empty when the key is weak or of a type that is not accepted. */
  static Optional<TrustedKey> of(@Nullable String id, PublicKey key) {
    Set<String> algorithms =
        switch (key) {
          case RSAPublicKey rsa -> isStrong(rsa) ? Set.of("RS256", "PS256") : Set.of();
          case ECPublicKey ec -> ofCurve(Curve.forECParameterSpec(ec.getParams()));
          case EdECPublicKey ed ->
              ed.getParams().getName().equals("Ed25519") ? Set.of("EdDSA") : Set.of();
          default -> Set.of();
        };
    return algorithms.isEmpty()
        ? Optional.empty()
        : Optional.of(new TrustedKey(id, algorithms, key));
  }

  /** By the curve itself: others, such as secp256k1, have keys of the same size. */
  private static Set<String> ofCurve(@Nullable Curve curve) {
    return Curve.P_256.equals(curve)
        ? Set.of("ES256")
        : Curve.P_384.equals(curve) ? Set.of("ES384") : Set.of();
  }

  private static boolean isStrong(RSAPublicKey rsa) {
    int bits = rsa.getModulus().bitLength();
    return bits >= MIN_RSA_BITS
        && bits <= MAX_RSA_BITS
        && rsa.getPublicExponent().testBit(0)
        && rsa.getPublicExponent().bitLength() > 1
        && !hasShapeOfWeakPrimes(rsa.getModulus());
  }

  /**
   * CVE-2017-15361: a chip's library made primes of the form k·M + (65537^a mod M). A modulus of
   * two of them is a power of 65537 modulo each small prime; any other almost never is.
   */
  private static boolean hasShapeOfWeakPrimes(BigInteger modulus) {
    for (int prime = 3; prime <= LARGEST_SMALL_PRIME; prime += 2) {
      if (BigInteger.valueOf(prime).isProbablePrime(20)) {
        int wanted = modulus.mod(BigInteger.valueOf(prime)).intValue();
        int power = 1;
        do {
          power = power * (65537 % prime) % prime;
        } while (power != wanted && power != 1);
        if (power != wanted) {
          return false;
        }
      }
    }
    return true;
  }

  /**
   * The same key for one algorithm only, as its publisher says; empty when it does not fit the key.
   */
  Optional<TrustedKey> onlyFor(String algorithm) {
    return algorithms.contains(algorithm)
        ? Optional.of(new TrustedKey(id, Set.of(algorithm), key))
        : Optional.empty();
  }

  /** Another key that a token with this id and a common algorithm could mean. */
  boolean isAmbiguousWith(TrustedKey other) {
    return id != null
        && id.equals(other.id)
        && !Collections.disjoint(algorithms, other.algorithms)
        && !key.equals(other.key);
  }

  boolean verifies(SignedToken token) {
    if (!algorithms.contains(token.algorithm())) {
      return false;
    }
    try {
      byte[] input = token.signingInput().getBytes(StandardCharsets.US_ASCII);
      Base64URL signature = new Base64URL(token.signature());
      if (key instanceof EdECPublicKey) {
        Signature ed25519 = Signature.getInstance("Ed25519");
        ed25519.initVerify(key);
        ed25519.update(input);
        return ed25519.verify(signature.decode());
      }
      JWSVerifier verifier =
          key instanceof RSAPublicKey rsa
              ? new RSASSAVerifier(rsa)
              : new ECDSAVerifier((ECPublicKey) key);
      JWSHeader header = new JWSHeader(JWSAlgorithm.parse(token.algorithm()));
      return verifier.verify(header, input, signature);
    } catch (JOSEException | GeneralSecurityException malformed) {
      return false;
    }
  }

  /** Where the keys of an issuer come from. */
  @FunctionalInterface
  interface KeySource {
    /** The keys of that id, all for a token that names none; null while none can be loaded. */
    @Nullable List<TrustedKey> named(@Nullable String keyId) throws InterruptedException;

    /** Changes whenever the keys do, so that no cached result outlives them. */
    default long generation() {
      return 0;
    }
  }
}
