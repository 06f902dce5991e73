package luki.gateway.idempotency;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import luki.gateway.config.Problems;
import luki.gateway.config.Variable;
import luki.gateway.http.Body;
import luki.gateway.http.Exchange;
import luki.gateway.http.Query;
import luki.gateway.http.Sha256;
import luki.gateway.keys.KeyedHash;
import org.jspecify.annotations.Nullable;

/** Encrypts stored replies (AES-256-GCM) and names requests by keyed hashes, all by one secret. */
public final class ReplyCipher {
  private static final String TRANSFORMATION = "AES/GCM/NoPadding";
  private static final int NONCE_BYTES = 12;
  private static final int TAG_BITS = 128;
  private static final int SECRET_BYTES = 32;
  private static final int ID_HEX = 32;

  private final SecretKeySpec key;
  private final KeyedHash callers;
  private final KeyedHash requests;
  private final SecureRandom random;

  ReplyCipher(String secret, SecureRandom random) {
    byte[] derived = KeyedHash.ofPepper(secret).of("derive:kept-replies");
    this.key = new SecretKeySpec(derived, "AES");
    this.callers = KeyedHash.derived(secret, "kept-replies-callers");
    this.requests = KeyedHash.derived(secret, "kept-replies-requests");
    this.random = random;
  }

  /**
   * With the secret in a file; without one, with a secret of this process: only it can decrypt what
   * it has stored.
   */
  public static ReplyCipher of(@Nullable Path file, SecureRandom random, Problems problems) {
    byte[] secret = new byte[SECRET_BYTES];
    random.nextBytes(secret);
    String text = hex(secret);
    if (file != null) {
      try {
        text = Files.readString(file).strip();
      } catch (IOException unreadable) {
        problems.add(Variable.IDEMPOTENCY_KEY_PATH.name(), "cannot be read as text in UTF-8");
      }
      if (text.getBytes(StandardCharsets.UTF_8).length < SECRET_BYTES) {
        problems.add(
            Variable.IDEMPOTENCY_KEY_PATH.name(),
            "must be a file with text of at least 32 bytes, such as openssl rand -base64 32 writes");
      }
    }
    return new ReplyCipher(text, random);
  }

  /**
   * Names a request. A rotated API key is the same caller; the operation, the path, the query and
   * the bytes of the body are what is asked for.
   */
  ReplyStore.Entry entryOf(Exchange exchange, String idempotencyKey) {
    String caller = exchange.principal().limitedAs();
    // A key has no line feed.
    String id = hex(callers.of(caller + "\n" + idempotencyKey)).substring(0, ID_HEX);
    StringBuilder asked = new StringBuilder(exchange.operation().id());
    new TreeMap<>(exchange.pathParameters()).forEach((name, value) -> add(asked, name, value));
    Query query = exchange.request().query();
    for (String name : new TreeSet<>(query.names())) {
      query.all(name).forEach(value -> add(asked, name, value));
    }
    Exchange.Payload payload = exchange.payload();
    byte[] body = Body.bytesOf(payload == null ? Body.EMPTY : payload.raw());
    String request = hex(requests.of(Sha256.of(asked.toString()) + Sha256.of(body)));
    return new ReplyStore.Entry(callers.shortOf(caller), id, request, UUID.randomUUID().toString());
  }

  private static void add(StringBuilder text, String name, String value) {
    text.append('\n').append(name.length()).append(':').append(name);
    text.append(value.length()).append(':').append(value);
  }

  private static String hex(byte[] hash) {
    return HexFormat.of().formatHex(hash);
  }

  /** Bytes that {@link #seal} adds. */
  static int overhead() {
    return NONCE_BYTES + TAG_BITS / 8;
  }

  /** Encrypts a reply for this request only. */
  byte[] seal(ReplyStore.Entry entry, byte[] reply) {
    byte[] sealed = new byte[reply.length + overhead()];
    byte[] nonce = new byte[NONCE_BYTES];
    random.nextBytes(nonce);
    System.arraycopy(nonce, 0, sealed, 0, NONCE_BYTES);
    try {
      cipher(Cipher.ENCRYPT_MODE, entry, nonce)
          .doFinal(reply, 0, reply.length, sealed, NONCE_BYTES);
      return sealed;
    } catch (GeneralSecurityException cannotBe) {
      throw new IllegalStateException(cannotBe);
    }
  }

  /**
   * Decrypts a reply.
   *
   * @throws IllegalStateException it was changed, or is that of another request
   */
  byte[] open(ReplyStore.Entry entry, byte[] sealed) {
    try {
      byte[] nonce = Arrays.copyOf(sealed, NONCE_BYTES);
      return cipher(Cipher.DECRYPT_MODE, entry, nonce)
          .doFinal(sealed, NONCE_BYTES, sealed.length - NONCE_BYTES);
    } catch (GeneralSecurityException | IllegalArgumentException changed) {
      throw new IllegalStateException("a stored reply cannot be decrypted", changed);
    }
  }

  private Cipher cipher(int mode, ReplyStore.Entry entry, byte[] nonce)
      throws GeneralSecurityException {
    Cipher cipher = Cipher.getInstance(TRANSFORMATION);
    cipher.init(mode, key, new GCMParameterSpec(TAG_BITS, nonce));
    cipher.updateAAD((entry.id() + entry.request()).getBytes(StandardCharsets.US_ASCII));
    return cipher;
  }
}
