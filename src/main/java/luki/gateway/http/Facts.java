package luki.gateway.http;

import org.jspecify.annotations.Nullable;

/**
 * What was learnt on the way to a reply, for the log and the metrics.
 *
 * @param refusal the error, when the reply is one
 * @param principal who called, once that was known
 * @param upstream the service that mattered most
 * @param upstreamNanos time spent waiting for it
 */
public record Facts(
    @Nullable ApiError refusal,
    @Nullable Principal principal,
    @Nullable Downstream upstream,
    long upstreamNanos) {
  public static final Facts NONE = new Facts(null, null, null, 0);

  public static Facts upstream(Downstream who, long nanos) {
    return new Facts(null, null, who, nanos);
  }

  Facts with(Principal who) {
    return new Facts(refusal, who, upstream, upstreamNanos);
  }

  Facts with(ApiError error) {
    return new Facts(error, principal, upstream, upstreamNanos);
  }

  Facts withUpstream(Facts other) {
    return new Facts(refusal, principal, other.upstream, other.upstreamNanos);
  }
}
