package luki.gateway.tokens;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSObject;
import com.nimbusds.jose.Payload;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.jwk.ECKey;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import luki.gateway.json.Json;
import org.jspecify.annotations.Nullable;

/**
 * Signs end users' tokens where there is no issuer: at a desk with {@code token mint}, and for
 * {@code explain}, which so passes the very checks that a request does. Nothing of it is in force
 * in prod.
 */
public final class DevIssuer {
  private static final String NAME = "dev-token-key.pem";

  private final ECKey key;

  private DevIssuer(ECKey key) {
    this.key = key;
  }

  /** With a key that is gone with the process. */
  public static DevIssuer made() {
    return new DevIssuer(SigningKey.generate());
  }

  /** Where a desk's key is kept: beside the key file. */
  public static Path fileBeside(Path keyFile) {
    return keyFile.resolveSibling(NAME);
  }

  /** With the key of a file, mode 0600, which is made where there is none. */
  public static DevIssuer ofFile(Path file) throws IOException {
    if (!Files.exists(file)) {
      make(file);
    }
    try {
      return new DevIssuer(SigningKey.read(file));
    } catch (IllegalArgumentException malformed) {
      throw new IOException(file + " holds no EC P-256 key in PEM; delete it to get another");
    }
  }

  private static void make(Path file) throws IOException {
    Path directory = file.toAbsolutePath().getParent();
    if (directory != null) {
      Files.createDirectories(directory);
    }
    try {
      byte[] der = SigningKey.generate().toECPrivateKey().getEncoded();
      String pem =
          "-----BEGIN PRIVATE KEY-----\n"
              + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der)
              + "\n-----END PRIVATE KEY-----\n";
      Files.createFile(
          file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      Files.write(file, pem.getBytes(StandardCharsets.US_ASCII), StandardOpenOption.WRITE);
    } catch (FileAlreadyExistsException byAnother) {
      // Made at the same time; that one is as good.
    } catch (JOSEException cannotBe) {
      throw new IllegalStateException(cannotBe);
    }
  }

  /** A token with exactly these claims. */
  public String sign(Json claims) {
    try {
      JWSHeader header = new JWSHeader.Builder(JWSAlgorithm.ES256).keyID(key.getKeyID()).build();
      JWSObject token = new JWSObject(header, new Payload(claims.toString()));
      token.sign(new ECDSASigner(key));
      return token.serialize();
    } catch (JOSEException cannotBe) {
      throw new IllegalStateException(cannotBe);
    }
  }

  /** A verifier that takes this issuer's tokens by the same rules as the live one. */
  public TokenVerifier verifier(TokenVerifier.Rules rules) {
    return rules.verifier(KeySource.fixed(keys()), null);
  }

  private JwkSet keys() {
    try {
      return TrustedKey.of(key.getKeyID(), key.toECPublicKey())
          .map(trusted -> new JwkSet(List.of(trusted)))
          .orElseThrow();
    } catch (JOSEException cannotBe) {
      throw new IllegalStateException(cannotBe);
    }
  }

  /** The key of a desk, taken once there is one: {@code token mint} may be the first to make it. */
  static KeySource keysOf(Path file) {
    return new KeySource() {
      private volatile Optional<JwkSet> known = Optional.empty();

      @Override
      public Lookup find(@Nullable String keyId) {
        if (known.isEmpty() && Files.exists(file)) {
          try {
            known = Optional.of(ofFile(file).keys());
          } catch (IOException unusable) {
            return new Lookup.Found(List.of());
          }
        }
        return new Lookup.Found(known.map(keys -> keys.named(keyId)).orElse(List.of()));
      }
    };
  }
}
