package luki.gateway.idempotency;

import luki.gateway.http.ApiError;
import luki.gateway.http.Chain.Filter;
import luki.gateway.http.Chain.Next;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.IdempotencyKey;
import luki.gateway.http.Response;
import luki.gateway.idempotency.ReplyStore.Claim;
import luki.gateway.idempotency.ReplyStore.Entry;
import luki.gateway.keys.Sealer;
import luki.gateway.observe.Label.IdempotencyOutcome;
import luki.gateway.observe.Metrics;

/**
 * A request with an Idempotency-Key is processed once. A repeat gets the first reply, or a conflict
 * while the first request is in progress. The steps before this one check a repeat like any other
 * request; it takes no quota and calls no service.
 */
public record EnforceIdempotency(ReplyCipher cipher, ReplyStore store, Metrics metrics)
    implements Filter, AutoCloseable {
  /** Field of a reply that was made for an earlier request. */
  public static final String REPLAYED = "Idempotent-Replayed";

  @Override
  public Response apply(Exchange exchange, Next next) {
    String key = IdempotencyKey.of(exchange);
    if (key == null) {
      return next.handle(exchange);
    }
    Entry entry = cipher.entryOf(exchange, key);
    Claim claim = store.claim(entry);
    metrics.idempotency(
        switch (claim) {
          case Claim.First _ -> IdempotencyOutcome.NEW;
          case Claim.Kept _ -> IdempotencyOutcome.REPLAYED;
          case Claim.InProgress _ -> IdempotencyOutcome.IN_PROGRESS;
          case Claim.Mismatch _ -> IdempotencyOutcome.MISMATCH;
          case Claim.Unavailable _ -> IdempotencyOutcome.UNAVAILABLE;
        });
    return switch (claim) {
      case Claim.First _ -> handle(entry, exchange, next);
      case Claim.Kept kept when exchange.memory().tryTake(2L * kept.sealed().length) ->
          StoredReply.decode(cipher.open(entry, kept.sealed())).with(REPLAYED, "true");
      case Claim.Kept _ -> Response.refused(ApiError.retrySoon(ErrorCode.OVERLOADED));
      case Claim.InProgress _ ->
          Response.refused(ApiError.retrySoon(ErrorCode.IDEMPOTENCY_IN_PROGRESS));
      case Claim.Mismatch _ -> Response.refused(ApiError.of(ErrorCode.IDEMPOTENCY_MISMATCH));
      case Claim.Unavailable _ ->
          Response.refused(ApiError.retrySoon(ErrorCode.LIMITER_UNAVAILABLE));
    };
  }

  /** Handles a request that was the first to claim its key, and ends the claim with its reply. */
  private Response handle(Entry entry, Exchange exchange, Next next) {
    byte[] reply = null;
    try {
      Response response = next.handle(exchange);
      long copies = 2L * StoredReply.bodyBytes(response);
      if (exchange.memory().tryTake(copies)) {
        reply = StoredReply.encode(response, store.maxBytes() - Sealer.OVERHEAD);
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
