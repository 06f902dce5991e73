package luki.gateway.config;

import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import luki.gateway.config.Settings.OnRedisLoss;
import org.jspecify.annotations.Nullable;

/** What the environment says of limits, of where they are counted, and of bills. */
final class CountingSettings {
  private static final String SECRET = "whsec_";
  private static final int MIN_SECRET = 24;
  private static final int MAX_SECRET = 64;

  private final Values values;

  CountingSettings(Values values) {
    this.values = values;
  }

  Settings.RateLimits rates() {
    int perMinute = values.number(Variable.RATE_LIMIT_PER_MIN, 0, Plan.MAX_PER_MINUTE);
    String onLoss =
        values.choice(Variable.RATE_LIMIT_ON_REDIS_LOSS, List.of("local", "deny", "allow"));
    return new Settings.RateLimits(
        perMinute,
        values.get(Variable.RATE_LIMIT_BURST) == null
            ? perMinute
            : values.number(Variable.RATE_LIMIT_BURST, 1, Plan.MAX_PER_MINUTE),
        values.number(Variable.RATE_LIMIT_GLOBAL_PER_MIN, 0, Plan.MAX_PER_MINUTE),
        values.number(Variable.AUTH_FAILURES_PER_MIN, 0, Plan.MAX_PER_MINUTE),
        OnRedisLoss.valueOf(onLoss.toUpperCase(Locale.ROOT)),
        values.number(Variable.REPLICAS, 1, 10_000));
  }

  Settings.@Nullable Redis redis() {
    List<URI> addresses = new ArrayList<>();
    for (String item : values.commaList(Variable.REDIS_URL)) {
      URI address = redisAddress(item);
      if (address == null) {
        // Without the value: it may hold a password.
        values.problem(
            Variable.REDIS_URL,
            "must be redis://[user:password@]host[:port][/database] or rediss://…, or a comma"
                + " list of them for a cluster");
        return null;
      }
      addresses.add(address);
    }
    return addresses.isEmpty() ? null : new Settings.Redis(addresses);
  }

  private static @Nullable URI redisAddress(String value) {
    try {
      URI address = new URI(value);
      String path = address.getPath() == null ? "" : address.getPath();
      boolean good =
          ("redis".equals(address.getScheme()) || "rediss".equals(address.getScheme()))
              && address.getHost() != null
              && address.getPort() < 65536
              && path.matches("(/\\d{0,3})?")
              && address.getRawQuery() == null
              && address.getRawFragment() == null;
      return good ? address : null;
    } catch (URISyntaxException malformed) {
      return null;
    }
  }

  Settings.UsageOut usage() {
    Path outbox = values.optional(Variable.USAGE_OUTBOX);
    String address = values.get(Variable.USAGE_SINK_URL);
    URI sink = address == null ? null : Values.httpAddress(address);
    if (address != null && sink == null) {
      values.problem(Variable.USAGE_SINK_URL, "must be an http or https address");
    }
    List<Settings.Secret> secrets = new ArrayList<>();
    for (String secret : values.commaList(Variable.USAGE_SINK_SECRET)) {
      if (!isSigningSecret(secret)) {
        values.problem(
            Variable.USAGE_SINK_SECRET,
            "must be whsec_ and base64 of 24 to 64 bytes; a comma list while it changes");
      }
      secrets.add(new Settings.Secret(secret));
    }
    if (sink != null && (outbox == null || secrets.isEmpty())) {
      values.problem(Variable.USAGE_SINK_URL, "needs USAGE_OUTBOX and USAGE_SINK_SECRET as well");
    }
    return new Settings.UsageOut(outbox, sink, secrets);
  }

  /** As Standard Webhooks has it. */
  private static boolean isSigningSecret(String secret) {
    if (!secret.startsWith(SECRET)) {
      return false;
    }
    try {
      int bytes = Base64.getDecoder().decode(secret.substring(SECRET.length())).length;
      return bytes >= MIN_SECRET && bytes <= MAX_SECRET;
    } catch (IllegalArgumentException malformed) {
      return false;
    }
  }
}
