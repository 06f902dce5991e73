package luki.gateway.upstream;

import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import luki.gateway.config.GatewayFile;
import luki.gateway.config.Settings;
import luki.gateway.http.Exchange;
import luki.gateway.http.Method;
import luki.gateway.http.Upstream;
import luki.gateway.http.UpstreamVersion;
import luki.gateway.observe.RolloutMetrics.Mirrored;
import luki.gateway.rollout.Rollout;
import org.jspecify.annotations.Nullable;

/** One service: the client of its stable version, and those of others where it has any. */
final class ServiceVersions {
  private static final int MAX_MIRRORED_IN_FLIGHT = 16;

  private final UpstreamClient stable;
  private final Map<UpstreamVersion, UpstreamClient> others = new TreeMap<>();
  // Null where the stable version is the only one.
  private final @Nullable Rollout rollout;
  private final Semaphore mirrors = new Semaphore(MAX_MIRRORED_IN_FLIGHT);
  private final AtomicInteger gets = new AtomicInteger();

  /**
   * Makes the clients.
   *
   * @param before of an older configuration: what is known of a version at the same address stays
   */
  ServiceVersions(
      Upstream who,
      URI url,
      Settings.@Nullable Secret secret,
      GatewayFile file,
      Upstreams.Shared shared,
      @Nullable ServiceVersions before) {
    SortedMap<UpstreamVersion, URI> urls = file.service(who).versions();
    this.rollout = urls.isEmpty() ? null : shared.rollouts().of(who);
    UpstreamClient older = before == null ? null : before.stable;
    Rollout.Member only =
        rollout == null ? Rollout.Member.ALONE : rollout.member(UpstreamVersion.STABLE);
    this.stable = new UpstreamClient(who, url, secret, file, shared, older, only);
    if (rollout != null) {
      urls.forEach(
          (version, address) -> {
            UpstreamClient known = before == null ? null : before.others.get(version);
            UpstreamClient same = known == null || !known.isAt(address) ? null : known;
            Rollout.Member member = rollout.member(version);
            others.put(
                version, new UpstreamClient(who, address, secret, file, shared, same, member));
          });
    }
  }

  /** The client for a request: of the version that it names, if there is one, or of its caller. */
  UpstreamClient of(Exchange exchange) {
    if (rollout == null) {
      return stable;
    }
    UpstreamVersion version = UpstreamVersion.forced(exchange.request().headers());
    if (version == null
        || !(version.equals(UpstreamVersion.STABLE) || others.containsKey(version))) {
      version = rollout.versionFor(exchange.principal());
    }
    return others.getOrDefault(version, stable);
  }

  /** The one that most callers have. */
  UpstreamClient main() {
    return rollout == null ? stable : others.getOrDefault(rollout.main(), stable);
  }

  /** Whether a breaker of the stable version, or of one that has callers, is open. */
  boolean isTripped() {
    return stable.guard.isTripped()
        || others.entrySet().stream()
            .anyMatch(each -> percent(each.getKey()) > 0 && each.getValue().guard.isTripped());
  }

  private int percent(UpstreamVersion version) {
    return rollout == null ? 0 : rollout.share(version).percent();
  }

  void probe(Duration limit) throws InterruptedException {
    stable.probe(limit);
    for (UpstreamClient other : others.values()) {
      other.probe(limit);
    }
  }

  /** Makes a unary call with one of these clients. */
  Reply call(UpstreamClient client, Call call, Exchange exchange) throws InterruptedException {
    Reply reply = client.call(call, exchange);
    if (rollout != null
        && client == stable
        && reply instanceof Reply.Got
        && call.method() == Method.GET
        && !Rollout.isForced(exchange)) {
      mirror(rollout, call, exchange);
    }
    return reply;
  }

  /**
   * Sends a share of the GETs that the stable version has answered to others too. Nobody waits for
   * these calls, nothing is billed for them, and their replies are dropped; with their own limit
   * they may outlive the request.
   */
  private void mirror(Rollout shares, Call call, Exchange exchange) {
    int turn = Math.floorMod(gets.getAndIncrement(), 100);
    others.forEach(
        (version, client) -> {
          int share = shares.share(version).mirrored();
          if (turn * share % 100 >= share) {
            return;
          }
          if (mirrors.tryAcquire()) {
            Thread.ofVirtual().name("mirror").start(() -> mirror(client, call, exchange));
          } else {
            client.member.mirrored(Mirrored.DROPPED);
          }
        });
  }

  private void mirror(UpstreamClient to, Call call, Exchange exchange) {
    try {
      boolean answered = to.mirror(call, exchange);
      to.member.mirrored(answered ? Mirrored.ANSWERED : Mirrored.FAILED);
    } catch (InterruptedException stopping) {
      Thread.currentThread().interrupt();
    } finally {
      mirrors.release();
    }
  }
}
