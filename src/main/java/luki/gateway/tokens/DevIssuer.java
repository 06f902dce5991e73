package luki.gateway.tokens;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import luki.gateway.config.OwnerOnly;
import luki.gateway.json.Json;
import luki.gateway.tokens.TrustedKey.KeySource;

/**
 * Signs end users' tokens where there is no issuer: in development with {@code token mint}, and for
 * {@code explain}, whose requests so pass the checks of a real one. Its tokens are not accepted in
 * prod.
 */
public record DevIssuer(SigningKey key) {
  /** With a key that exists only in this process. */
  public static DevIssuer made() {
    return new DevIssuer(SigningKey.generate());
  }

  /** Where the development key is stored: beside the API key file. */
  public static Path fileBeside(Path keyFile) {
    return keyFile.resolveSibling("dev-token-key.json");
  }

  /** With the key of a file, mode 0600, which is made where there is none. */
  public static DevIssuer ofFile(Path file) throws IOException {
    if (!Files.exists(file)) {
      OwnerOnly.<IOException>change(
          file, () -> Files.exists(file) ? null : SigningKey.generate().toPrivateJwk() + "\n");
    }
    try {
      return new DevIssuer(SigningKey.read(Files.readString(file)));
    } catch (IllegalArgumentException malformed) {
      throw new IOException(file + " has no EC P-256 key; delete it to get another");
    }
  }

  /** A token with exactly these claims. */
  public String sign(Json claims) {
    return key.sign(null, claims);
  }

  /** A verifier that accepts what the live one accepts, and this issuer's tokens. */
  public TokenVerifier verifier(TokenVerifier live) {
    return live.withAlso(keys());
  }

  private JwkSet keys() {
    return JwkSet.ofJwks(SigningKey.publicSet(List.of(key))).orElseThrow();
  }

  /** The key of a file, none while there is no file: {@code token mint} may make it later. */
  static KeySource keysOf(Path file) {
    return keyId -> {
      try {
        return Files.exists(file) ? ofFile(file).keys().named(keyId) : List.of();
      } catch (IOException unusable) {
        return List.of();
      }
    };
  }
}
