package luki.gateway.limit;

import java.util.Map;
import java.util.TreeMap;
import luki.gateway.config.GatewayFile;
import luki.gateway.config.Plan;
import luki.gateway.config.Settings;
import org.jspecify.annotations.Nullable;

/** The plans by name, with what the environment says filled in. */
public final class Plans {
  private final Map<String, Plan> plans = new TreeMap<>();
  private final Plan standard;

  public Plans(GatewayFile file, Settings.RateLimits rates) {
    file.plans().forEach((name, rules) -> plans.put(name, plan(name, rules, rates)));
    Plan listed = plans.get(Plan.DEFAULT);
    this.standard =
        listed == null ? plan(Plan.DEFAULT, new Plan.Rules(null, null, Map.of()), rates) : listed;
  }

  private static Plan plan(String name, Plan.Rules rules, Settings.RateLimits rates) {
    Integer own = rules.perMinute();
    Integer burst = rules.burst();
    int perMinute = own == null ? rates.perMinute() : own;
    int atOnce = burst != null ? burst : own == null ? rates.burst() : own;
    return new Plan(name, perMinute, atOnce, rules.quotas());
  }

  /** The plan of that name; the default one for a caller without a plan or with an unknown one. */
  public Plan of(@Nullable String name) {
    return name == null ? standard : plans.getOrDefault(name, standard);
  }
}
