package luki.gateway.filter;

import java.io.IOException;
import luki.gateway.http.ApiError;
import luki.gateway.http.Chain.Filter;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.IdempotencyKey;
import luki.gateway.http.Response;
import luki.gateway.idempotency.KeptReplies;
import luki.gateway.idempotency.ReplyStore.Claim;
import luki.gateway.idempotency.ReplyStore.Entry;

/**
 * A request with an Idempotency-Key is processed once. A repeat gets the first reply, or a conflict
 * while the first request is in progress. The steps before this one check a repeat like any other
 * request; it takes no quota and calls no service.
 */
public record EnforceIdempotency(KeptReplies replies) implements Filter {
  /** Field of a reply that was made for an earlier request. */
  public static final String REPLAYED = "Idempotent-Replayed";

  @Override
  public Response apply(Exchange exchange, Handler next) throws IOException, InterruptedException {
    String key = IdempotencyKey.of(exchange);
    if (key == null) {
      return next.handle(exchange);
    }
    Entry entry = replies.entryOf(exchange, key);
    return switch (replies.claim(entry)) {
      case Claim.First _ -> replies.handle(entry, exchange, next);
      case Claim.Kept kept when exchange.memory().tryTake(2L * kept.sealed().length) ->
          replies.open(entry, kept).with(REPLAYED, "true");
      case Claim.Kept _ -> Response.refused(ApiError.retrySoon(ErrorCode.OVERLOADED));
      case Claim.InProgress _ ->
          Response.refused(ApiError.retrySoon(ErrorCode.IDEMPOTENCY_IN_PROGRESS));
      case Claim.Mismatch _ -> Response.refused(ApiError.of(ErrorCode.IDEMPOTENCY_MISMATCH));
      case Claim.Unavailable _ ->
          Response.refused(ApiError.retrySoon(ErrorCode.LIMITER_UNAVAILABLE));
    };
  }
}
