package luki.gateway.idempotency;

import java.io.IOException;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.Response;
import luki.gateway.idempotency.ReplyStore.Claim;
import luki.gateway.idempotency.ReplyStore.Entry;

/** Answers a repeated request with the reply to the first one. */
public record KeptReplies(ReplyCipher cipher, ReplyStore store) implements AutoCloseable {
  public Entry entryOf(Exchange exchange, String idempotencyKey) {
    return cipher.entryOf(exchange, idempotencyKey);
  }

  public Claim claim(Entry entry) {
    return store.claim(entry);
  }

  /** The kept reply to the same request. */
  public Response open(Entry entry, Claim.Kept kept) {
    return StoredReply.decode(cipher.open(entry, kept.sealed()));
  }

  /** Handles a request that was the first to claim its key, and ends the claim with its reply. */
  public Response handle(Entry entry, Exchange exchange, Handler handler)
      throws IOException, InterruptedException {
    byte[] reply = null;
    try {
      Response response = handler.handle(exchange);
      long copies = 2L * StoredReply.bodyBytes(response);
      if (exchange.memory().tryTake(copies)) {
        reply = StoredReply.encode(response, store.maxBytes() - ReplyCipher.overhead());
      }
      return response;
    } finally {
      // Before the reply is sent, so that its client cannot be faster.
      if (reply == null) {
        store.free(entry);
      } else {
        store.keep(entry, cipher.seal(entry, reply));
      }
    }
  }

  @Override
  public void close() {
    store.close();
  }
}
