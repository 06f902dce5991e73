package luki.gateway.keys;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.HexFormat;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import luki.gateway.config.Problems;
import luki.gateway.config.Variable;
import org.jspecify.annotations.Nullable;

/** Encrypts what is stored (AES-256-GCM), each time with a nonce that is stored before it. */
public final class Sealer {
  public static final int KEY_BYTES = 32;
  private static final String TRANSFORMATION = "AES/GCM/NoPadding";
  private static final int NONCE_BYTES = 12;
  private static final int TAG_BITS = 128;

  /** Bytes that {@link #seal} adds. */
  public static final int OVERHEAD = NONCE_BYTES + TAG_BITS / 8;

  private final SecretKeySpec key;
  private final SecureRandom random;

  /** With a key of 32 bytes. */
  public Sealer(byte[] key, SecureRandom random) {
    this.key = new SecretKeySpec(key, "AES");
    this.random = random;
  }

  /** With a key derived from a secret, another one for each purpose. */
  public static Sealer derived(String secret, String purpose, SecureRandom random) {
    return new Sealer(KeyedHash.ofPepper(secret).of("derive:" + purpose), random);
  }

  /** The secret in a file; without one, a secret of this process. */
  public static String secretIn(
      @Nullable Path file, Variable name, SecureRandom random, Problems problems) {
    byte[] secret = new byte[KEY_BYTES];
    random.nextBytes(secret);
    String text = HexFormat.of().formatHex(secret);
    if (file != null) {
      try {
        text = Files.readString(file).strip();
      } catch (IOException unreadable) {
        problems.add(name.name(), "cannot be read as text in UTF-8");
      }
      if (text.getBytes(StandardCharsets.UTF_8).length < KEY_BYTES) {
        problems.add(
            name.name(),
            "must be a file with text of at least 32 bytes, such as openssl rand -base64 32 writes");
      }
    }
    return text;
  }

  /**
   * Encrypts.
   *
   * @param place what it is stored for: it cannot be decrypted for anything else
   */
  public byte[] seal(byte[] plain, String place) {
    byte[] nonce = new byte[NONCE_BYTES];
    random.nextBytes(nonce);
    byte[] sealed = Arrays.copyOf(nonce, plain.length + OVERHEAD);
    try {
      cipher(Cipher.ENCRYPT_MODE, place, nonce)
          .doFinal(plain, 0, plain.length, sealed, NONCE_BYTES);
      return sealed;
    } catch (GeneralSecurityException cannotBe) {
      throw new IllegalStateException(cannotBe);
    }
  }

  /**
   * Decrypts.
   *
   * @throws IllegalStateException it was changed, or sealed for another place or by another key
   */
  public byte[] open(byte[] sealed, String place) {
    try {
      return cipher(Cipher.DECRYPT_MODE, place, Arrays.copyOf(sealed, NONCE_BYTES))
          .doFinal(sealed, NONCE_BYTES, sealed.length - NONCE_BYTES);
    } catch (GeneralSecurityException | IllegalArgumentException changed) {
      throw new IllegalStateException("what was stored cannot be decrypted", changed);
    }
  }

  private Cipher cipher(int mode, String place, byte[] nonce) throws GeneralSecurityException {
    Cipher cipher = Cipher.getInstance(TRANSFORMATION);
    cipher.init(mode, key, new GCMParameterSpec(TAG_BITS, nonce));
    cipher.updateAAD(place.getBytes(StandardCharsets.UTF_8));
    return cipher;
  }
}
