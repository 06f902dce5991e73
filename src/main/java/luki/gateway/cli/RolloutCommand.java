package luki.gateway.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import luki.gateway.app.Configuration;
import luki.gateway.cli.Arguments.BadUsage;
import luki.gateway.http.Upstream;
import luki.gateway.http.UpstreamVersion;
import luki.gateway.rollout.RolloutFile;
import luki.gateway.rollout.RolloutState;
import luki.gateway.rollout.RolloutState.Cause;
import luki.gateway.rollout.RolloutState.Share;

/** {@code rollout}: shows and changes how callers are divided among the versions of services. */
record RolloutCommand(
    PrintStream out,
    PrintStream err,
    Clock clock,
    Arguments arguments,
    Configuration configuration) {
  int run(String name) throws BadUsage, IOException {
    switch (name) {
      case "rollout show" -> show();
      case "rollout set" -> set();
      case "rollout promote" -> promote();
      case "rollout abort" -> abort();
      default -> throw new IllegalArgumentException(name);
    }
    return 0;
  }

  private RolloutFile file() {
    return new RolloutFile(configuration.settings().rolloutFile());
  }

  private Upstream service() throws BadUsage {
    String name = arguments.word("the service");
    List<String> known = new ArrayList<>();
    for (Upstream who : configuration.withVersions()) {
      if (who.label().equals(name)) {
        return who;
      }
      known.add(who.label());
    }
    throw new BadUsage(
        known.isEmpty()
            ? "no service has versions: list them in gateway.yaml"
            : "services with versions in gateway.yaml: " + String.join(", ", known));
  }

  private UpstreamVersion version(Upstream who, String name) throws BadUsage {
    Set<UpstreamVersion> known = configuration.file().service(who).versions().keySet();
    return known.stream()
        .filter(version -> version.name().equals(name))
        .findAny()
        .orElseThrow(
            () -> new BadUsage(who.label() + " has no version " + name + ", but " + known));
  }

  private static int percent(String text) throws BadUsage {
    if (!text.matches("\\d{1,2}|100")) {
      throw new BadUsage("a share must be a whole number from 0 to 100: " + text);
    }
    return Integer.parseInt(text);
  }

  private void show() throws BadUsage, IOException {
    arguments.end();
    Map<Upstream, RolloutState> states = file().read();
    Table table = new Table();
    table.add("SERVICE", "VERSION", "PERCENT", "MIRRORED", "CHANGED", "BY", "CAUSE");
    for (Upstream who : configuration.withVersions()) {
      RolloutState state = states.getOrDefault(who, RolloutState.NONE);
      String changed = state.by().isEmpty() ? "never" : state.changed().toString();
      for (UpstreamVersion version : configuration.file().service(who).versions().keySet()) {
        Share share = state.of(version);
        table.add(
            who.label(),
            version.name(),
            Integer.toString(share.percent()),
            Integer.toString(share.mirrored()),
            changed,
            state.by(),
            state.by().isEmpty() ? "" : state.cause().label());
      }
    }
    table.print(out);
    if (configuration.withVersions().isEmpty()) {
      err.println("no service has versions in gateway.yaml: every caller gets the only one");
    }
  }

  private void set() throws BadUsage, IOException {
    Upstream who = service();
    String mirror = arguments.value("--mirror");
    SortedMap<UpstreamVersion, Share> shares = new TreeMap<>();
    for (String word : arguments.words("VERSION=PERCENT")) {
      String[] sides = word.split("=", 2);
      if (sides.length < 2) {
        throw new BadUsage("must be VERSION=PERCENT, such as canary=10: " + word);
      }
      int mirrored = mirror == null ? 0 : percent(mirror);
      shares.put(version(who, sides[0]), new Share(percent(sides[1]), mirrored));
    }
    change(who, shares, Cause.SET);
  }

  private void promote() throws BadUsage, IOException {
    Upstream who = service();
    Set<UpstreamVersion> known = configuration.file().service(who).versions().keySet();
    if (!arguments.hasMore() && known.size() > 1) {
      throw new BadUsage("which version? " + who.label() + " has " + known);
    }
    UpstreamVersion promoted =
        arguments.hasMore() ? version(who, arguments.word("the version")) : known.iterator().next();
    Map<UpstreamVersion, Share> shares = nothing(known);
    shares.put(promoted, new Share(100, 0));
    change(who, shares, Cause.PROMOTED);
  }

  private void abort() throws BadUsage, IOException {
    Upstream who = service();
    change(who, nothing(configuration.file().service(who).versions().keySet()), Cause.ABORTED);
  }

  private static Map<UpstreamVersion, Share> nothing(Set<UpstreamVersion> versions) {
    Map<UpstreamVersion, Share> shares = new TreeMap<>();
    versions.forEach(version -> shares.put(version, Share.NOTHING));
    return shares;
  }

  private void change(Upstream who, Map<UpstreamVersion, Share> shares, Cause cause)
      throws BadUsage, IOException {
    arguments.end();
    String by = System.getProperty("user.name", "");
    try {
      RolloutState now =
          file()
              .change(
                  who,
                  before -> {
                    // Versions that are no longer in gateway.yaml have no share.
                    Map<UpstreamVersion, Share> all = nothing(before.shares().keySet());
                    all.keySet().removeAll(configuration.file().service(who).versions().keySet());
                    all.putAll(shares);
                    return before.with(all, cause, by, clock.instant());
                  });
      err.println(who.label() + ": " + described(now) + "; a running gateway sees it within 5 s");
      if (now.stable() == 0) {
        err.println(
            "no calls of the stable version are left to compare with: nothing is taken back by itself");
      }
    } catch (IllegalArgumentException tooMuch) {
      throw new BadUsage(String.valueOf(tooMuch.getMessage()));
    }
  }

  private static String described(RolloutState state) {
    StringBuilder text = new StringBuilder();
    state
        .shares()
        .forEach((version, share) -> text.append(version).append(' ').append(share).append(", "));
    return text + "stable " + state.stable() + " %";
  }
}
