package luki.gateway.limit;

import luki.gateway.http.ApiError;
import luki.gateway.http.ApiException;
import luki.gateway.http.ErrorCode;
import luki.gateway.ticket.Tickets;
import org.jspecify.annotations.Nullable;

/** Keeps tickets in Redis for all instances. Without Redis none is issued or redeemed. */
record RedisTickets(RedisExecutor redis) implements Tickets.Store {
  @Override
  public void put(String id, byte[] sealed) {
    long[] _ = run(call(Script.PUT, id).add(LIFETIME.toMillis()).add(sealed));
  }

  @Override
  public byte @Nullable [] take(String id) {
    Script.Call take = call(Script.TAKE, id);
    return run(take)[0] == 0 ? null : take.bulk();
  }

  private static Script.Call call(Script script, String id) {
    return new Script.Call(script, id).addKey("ticket", "");
  }

  private long[] run(Script.Call call) {
    try {
      return redis.run(call);
    } catch (Limiter.Unavailable outage) {
      throw new ApiException(ApiError.retrySoon(ErrorCode.LIMITER_UNAVAILABLE));
    }
  }
}
