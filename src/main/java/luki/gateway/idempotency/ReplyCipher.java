package luki.gateway.idempotency;

import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import luki.gateway.config.Problems;
import luki.gateway.config.Variable;
import luki.gateway.http.Body;
import luki.gateway.http.Exchange;
import luki.gateway.http.Query;
import luki.gateway.http.Sha256;
import luki.gateway.keys.KeyedHash;
import luki.gateway.keys.Sealer;
import org.jspecify.annotations.Nullable;

/** Encrypts stored replies (AES-256-GCM) and names requests by keyed hashes, all by one secret. */
public final class ReplyCipher {
  private static final int ID_HEX = 32;

  private final Sealer replies;
  private final KeyedHash callers;
  private final KeyedHash requests;

  ReplyCipher(String secret, SecureRandom random) {
    this.replies = Sealer.derived(secret, "kept-replies", random);
    this.callers = KeyedHash.derived(secret, "kept-replies-callers");
    this.requests = KeyedHash.derived(secret, "kept-replies-requests");
  }

  /**
   * With the secret in a file; without one, with a secret of this process: only it can decrypt what
   * it has stored.
   */
  public static ReplyCipher of(@Nullable Path file, SecureRandom random, Problems problems) {
    return new ReplyCipher(
        Sealer.secretIn(file, Variable.IDEMPOTENCY_KEY_PATH, random, problems), random);
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

  /** Encrypts a reply for this request only. */
  byte[] seal(ReplyStore.Entry entry, byte[] reply) {
    return replies.seal(reply, entry.id() + entry.request());
  }

  /**
   * Decrypts a reply.
   *
   * @throws IllegalStateException it was changed, or is that of another request
   */
  byte[] open(ReplyStore.Entry entry, byte[] sealed) {
    return replies.open(sealed, entry.id() + entry.request());
  }
}
