package luki.gateway.rollout;

import java.io.IOException;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Method;
import luki.gateway.http.Principal;
import luki.gateway.http.Sha256;
import luki.gateway.http.Upstream;
import luki.gateway.http.UpstreamVersion;
import luki.gateway.observe.Diagnostics;
import luki.gateway.observe.Diagnostics.Field;
import luki.gateway.observe.RolloutMetrics.Mirrored;
import luki.gateway.rollout.RolloutState.Cause;
import luki.gateway.rollout.RolloutState.Share;
import org.jspecify.annotations.Nullable;

/**
 * Divides the callers of one service among its versions, compares the versions, and takes the share
 * of one that is worse than the stable one.
 */
public final class Rollout {
  private static final Diagnostics LOG = new Diagnostics("rollout");
  private static final Set<ErrorCode> FAULTS =
      EnumSet.of(
          ErrorCode.DOWNSTREAM_TIMEOUT,
          ErrorCode.DOWNSTREAM_UNAVAILABLE,
          ErrorCode.DOWNSTREAM_ERROR,
          ErrorCode.DOWNSTREAM_REFUSED,
          ErrorCode.DOWNSTREAM_BUSY,
          ErrorCode.DOWNSTREAM_CIRCUIT_OPEN);

  private final Upstream who;
  private final Rollouts all;
  // As the file has it: an abort that could not be written lasts until the file is changed.
  private RolloutState written = RolloutState.NONE;
  private volatile Active active = new Active(RolloutState.NONE, Map.of());

  Rollout(Upstream who, Rollouts all) {
    this.who = who;
    this.all = all;
    all.metrics.percent(who, UpstreamVersion.STABLE, RolloutState.NONE.stable());
  }

  /** Shares that are in use, and what was seen since then. */
  private record Active(RolloutState state, Map<UpstreamVersion, VersionComparison> comparisons) {}

  synchronized void update(RolloutState found) {
    if (!found.equals(written)) {
      written = found;
      apply(found);
    }
  }

  private void apply(RolloutState state) {
    Active before = active;
    boolean sameCallers = before.state.started().equals(state.started());
    Map<UpstreamVersion, VersionComparison> comparisons = new TreeMap<>();
    active.state.shares().keySet().forEach(version -> all.metrics.percent(who, version, 0));
    state
        .shares()
        .forEach(
            (version, share) -> {
              all.metrics.known(who, version, Cause.ERRORS, Cause.LATENCY);
              all.metrics.percent(who, version, share.percent());
              if (share.percent() > 0) {
                VersionComparison known = before.comparisons.get(version);
                boolean same =
                    known != null
                        && sameCallers
                        && before.state.of(version).percent() == share.percent();
                comparisons.put(version, same ? known : new VersionComparison(all.nanoTime));
              }
            });
    all.metrics.percent(who, UpstreamVersion.STABLE, state.stable());
    active = new Active(state, comparisons);
    LOG.info(
        "callers are divided anew among the versions of a service",
        Field.of("service", who),
        Field.of("cause", state.cause()),
        Field.of("stable_percent", state.stable()));
  }

  /** The version of a caller: always the same one while the shares do not change. */
  public UpstreamVersion versionFor(Principal caller) {
    Active now = active;
    if (now.comparisons.isEmpty()) {
      return UpstreamVersion.STABLE;
    }
    // Each service and each rollout begins with other callers.
    String salted = who.label() + now.state.started() + caller.limitedAs();
    return now.state.at((int) (Long.parseLong(Sha256.of(salted), 0, 8, 16) % 100));
  }

  /** What a version has. */
  public Share share(UpstreamVersion version) {
    return active.state.of(version);
  }

  /** The version with the most callers. */
  public UpstreamVersion main() {
    UpstreamVersion main = UpstreamVersion.STABLE;
    for (UpstreamVersion version : active.comparisons.keySet()) {
      main = active.state.of(version).percent() > 50 ? version : main;
    }
    return main;
  }

  /** One of its versions, for the client that calls it. */
  public Member member(UpstreamVersion version) {
    return new Member(this, version);
  }

  /**
   * What the calls to one version report.
   *
   * @param version null where the service has no others: then nothing is compared
   */
  public record Member(@Nullable Rollout rollout, @Nullable UpstreamVersion version) {
    public static final Member ALONE = new Member(null, null);

    /** A call has ended; the error is null for a success. */
    public void ended(Method method, Exchange exchange, @Nullable ErrorCode error, long nanos) {
      if (rollout != null && version != null) {
        boolean failed = error != null && FAULTS.contains(error);
        rollout.all.metrics.call(rollout.who, version, failed, nanos);
        rollout.ended(version, method, exchange, failed, nanos);
      }
    }

    /** A call that had ended well brought something unusable. */
    public void failed(Method method, Exchange exchange) {
      if (rollout != null && version != null) {
        rollout.ended(version, method, exchange, true, VersionComparison.COUNTED_BEFORE);
      }
    }

    public void mirrored(Mirrored outcome) {
      if (rollout != null && version != null) {
        rollout.all.metrics.mirrored(rollout.who, version, outcome);
      }
    }
  }

  /** What a caller chooses by name is a test of its own, and not compared. */
  public static boolean isForced(Exchange exchange) {
    return exchange.request().headers().has(UpstreamVersion.FIELD);
  }

  private void ended(
      UpstreamVersion version, Method method, Exchange exchange, boolean failed, long nanos) {
    Active now = active;
    if (now.comparisons.isEmpty() || isForced(exchange)) {
      return;
    }
    String operation = method + exchange.route().template();
    int caller = exchange.principal().account().hashCode();
    boolean stable = version.equals(UpstreamVersion.STABLE);
    now.comparisons.forEach(
        (other, comparison) -> {
          if (stable || version.equals(other)) {
            Cause cause = comparison.ended(stable, operation, caller, failed, nanos);
            if (cause != null) {
              abort(now, other, cause);
            }
          }
        });
  }

  /** Takes the share of a version at once, and writes that to the file for all instances. */
  private synchronized void abort(Active judged, UpstreamVersion version, Cause cause) {
    // Its share may have been changed since then, and not that of another version alone.
    if (active.comparisons.get(version) != judged.comparisons.get(version)) {
      return;
    }
    RolloutState before = written;
    UnaryOperator<RolloutState> without =
        state -> state.with(Map.of(version, Share.NOTHING), cause, "gateway", all.clock.instant());
    apply(without.apply(active.state));
    all.metrics.aborted(who, version, cause);
    LOG.error(
        "a version of a service is worse than the stable one; its callers are back on that",
        Field.of("service", who),
        Field.of("version", version),
        Field.of("cause", cause));
    Thread.ofVirtual().name("rollout-abort").start(() -> write(before, version, without));
  }

  private void write(
      RolloutState before, UpstreamVersion version, UnaryOperator<RolloutState> without) {
    try {
      // What an operator or another instance has changed in its share is the newer decision.
      RolloutState _ =
          all.file.change(
              who,
              found ->
                  found.started().equals(before.started())
                          && found.of(version).equals(before.of(version))
                      ? without.apply(found)
                      : found);
    } catch (IOException failed) {
      LOG.error(
          "the abort is not written to ROLLOUT_FILE: it lasts until this process ends or the file changes",
          Field.reason(failed));
    }
  }
}
