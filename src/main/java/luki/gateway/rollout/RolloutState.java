package luki.gateway.rollout;

import java.time.Instant;
import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import luki.gateway.http.UpstreamVersion;
import luki.gateway.json.Json;
import luki.gateway.observe.Label;
import org.jspecify.annotations.Nullable;

/**
 * How the calls of one service are divided among its versions, and who said so last.
 *
 * @param shares of the versions that have any, at most two; the stable one has the rest
 * @param top the one that has its callers from the other end; null with fewer than two
 * @param started when the first of them got a share: it decides which callers come first
 * @param by an operator's name, or {@code gateway}
 */
public record RolloutState(
    SortedMap<UpstreamVersion, Share> shares,
    @Nullable UpstreamVersion top,
    Instant started,
    Instant changed,
    String by,
    Cause cause) {
  /** Every call goes to the stable version. */
  public static final RolloutState NONE =
      new RolloutState(new TreeMap<>(), null, Instant.EPOCH, Instant.EPOCH, "", Cause.SET);

  public RolloutState {
    shares = Collections.unmodifiableSortedMap(new TreeMap<>(shares));
    if (sum(shares) > 100 || shares.size() > 2) {
      throw new IllegalArgumentException(
          "the shares of a service are more than 100 percent, or of more than two versions");
    }
  }

  /** The percent of the callers that the stable version has. */
  public int stable() {
    return 100 - sum(shares);
  }

  private static int sum(Map<UpstreamVersion, Share> shares) {
    return shares.values().stream().mapToInt(Share::percent).sum();
  }

  /**
   * What a version gets.
   *
   * @param percent of the callers
   * @param mirrored percent of the GETs to the stable version that it gets too
   */
  public record Share(int percent, int mirrored) {
    public static final Share NOTHING = new Share(0, 0);

    public Share {
      if (percent < 0 || percent > 100 || mirrored < 0 || mirrored > 100) {
        throw new IllegalArgumentException("a share is 0 to 100 percent");
      }
    }

    @Override
    public String toString() {
      return percent + " %" + (mirrored == 0 ? "" : " (and " + mirrored + " % mirrored)");
    }
  }

  /** Why it is so: what the operator did, or what the gateway has found. */
  public enum Cause implements Label {
    SET,
    PROMOTED,
    ABORTED,
    /** The version failed more often than the stable one. */
    ERRORS,
    /** The version was slower than the stable one. */
    LATENCY
  }

  public Share of(UpstreamVersion version) {
    return shares.getOrDefault(version, Share.NOTHING);
  }

  /**
   * The version of a caller with a number from 0 to 99. One version has the callers from 0 on, the
   * other those from 99 down, so a share that grows takes callers from the stable version only.
   */
  UpstreamVersion at(int number) {
    for (Map.Entry<UpstreamVersion, Share> each : shares.entrySet()) {
      int fromEnd = each.getKey().equals(top) ? 99 - number : number;
      if (fromEnd < each.getValue().percent) {
        return each.getKey();
      }
    }
    return UpstreamVersion.STABLE;
  }

  /** These shares, and those of all other versions as they are. */
  public RolloutState with(
      Map<UpstreamVersion, Share> changes, Cause why, String who, Instant now) {
    SortedMap<UpstreamVersion, Share> all = new TreeMap<>(shares);
    all.putAll(changes);
    all.values().removeIf(Share.NOTHING::equals);
    UpstreamVersion last = top != null && all.containsKey(top) ? top : null;
    if (last == null && all.size() == 2) {
      last = shares.containsKey(all.lastKey()) ? all.firstKey() : all.lastKey();
    }
    return new RolloutState(all, last, shares.isEmpty() ? now : started, now, who, why);
  }

  Json toJson() {
    Json.Builder versions = Json.object();
    shares.forEach(
        (version, share) ->
            versions.put(
                version.name(),
                Json.object().put("percent", share.percent).put("mirrored", share.mirrored)));
    return Json.object()
        .put("versions", versions)
        .put("top", top == null ? "" : top.name())
        .put("started", started.toString())
        .put("changed", changed.toString())
        .put("by", by)
        .put("cause", cause.name())
        .build();
  }

  /** Reads what {@link #toJson} makes; of anything else the exception is an unchecked one. */
  static RolloutState of(Json json) {
    SortedMap<UpstreamVersion, Share> shares = new TreeMap<>();
    json.at("versions")
        .members()
        .forEach(
            (name, share) ->
                shares.put(
                    new UpstreamVersion(name),
                    new Share(percent(share.at("percent")), percent(share.at("mirrored")))));
    String top = json.at("top").string("");
    return new RolloutState(
        shares,
        top.isEmpty() ? null : new UpstreamVersion(top),
        Instant.parse(json.at("started").string("")),
        Instant.parse(json.at("changed").string("")),
        json.at("by").string(""),
        Cause.valueOf(json.at("cause").string("")));
  }

  private static int percent(Json number) {
    return Math.clamp(number.integer().orElse(-1), -1, 101);
  }
}
