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
public record Outcome(
    @Nullable ApiError refusal,
    @Nullable Principal principal,
    @Nullable Upstream upstream,
    long upstreamNanos) {
  public static final Outcome NONE = new Outcome(null, null, null, 0);

  public static Outcome upstream(Upstream who, long nanos) {
    return new Outcome(null, null, who, nanos);
  }

  Outcome with(Principal who) {
    return new Outcome(refusal, who, upstream, upstreamNanos);
  }

  Outcome with(ApiError error) {
    return new Outcome(error, principal, upstream, upstreamNanos);
  }

  Outcome withUpstream(Outcome other) {
    return new Outcome(refusal, principal, other.upstream, other.upstreamNanos);
  }
}
