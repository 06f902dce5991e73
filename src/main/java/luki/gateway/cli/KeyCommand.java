package luki.gateway.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import luki.gateway.app.Configuration;
import luki.gateway.audit.AuditFile;
import luki.gateway.audit.AuditRecord;
import luki.gateway.config.GatewayFile.Roles;
import luki.gateway.config.Plan;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.http.Principal.Users;
import luki.gateway.http.Scope;
import luki.gateway.http.UserId;
import luki.gateway.keys.ApiKeyAdmin;
import luki.gateway.keys.ApiKeyText;
import luki.gateway.keys.KeyEntry;
import luki.gateway.keys.KeyFile;
import luki.gateway.keys.KeyedHash;
import org.jspecify.annotations.Nullable;

/** {@code key}: makes, lists, ends and follows up API keys. A key is shown once, on stdout. */
final class KeyCommand {
  private static final Duration GRACE = Duration.ofDays(7);

  private final PrintStream out;
  private final PrintStream err;
  private final Clock clock = Clock.systemUTC();

  KeyCommand(PrintStream out, PrintStream err) {
    this.out = out;
    this.err = err;
  }

  int run(List<String> words) throws BadUsage, BadConfiguration, IOException {
    Arguments arguments = new Arguments(words);
    String action = arguments.word("create, list, revoke or rotate");
    Configuration configuration = Configuration.ofProcess();
    ApiKeyAdmin maker =
        new ApiKeyAdmin(
            new KeyFile(configuration.settings().keyFile()),
            KeyedHash.ofPepper(configuration.pepper()),
            clock);
    try {
      switch (action) {
        case "create" -> create(arguments, configuration, maker);
        case "list" -> list(arguments, maker);
        case "revoke" -> revoke(arguments, configuration, maker);
        case "rotate" -> rotate(arguments, configuration, maker);
        default -> throw new BadUsage("unknown: key " + action);
      }
      return 0;
    } catch (KeyFile.Broken broken) {
      throw new BadConfiguration(
          List.of(configuration.settings().keyFile() + ": " + broken.problem()));
    } catch (ApiKeyAdmin.NoSuchKey missing) {
      err.println("luki-gateway: there is no such key that is still good");
      return 1;
    }
  }

  private void create(Arguments arguments, Configuration configuration, ApiKeyAdmin maker)
      throws BadUsage, BadConfiguration, IOException, KeyFile.Broken {
    String owner = arguments.required("--owner");
    Set<Scope> scopes = scopes(arguments.list("--scopes"), configuration.roles());
    Set<String> roles = roles(arguments.list("--roles"), configuration.roles());
    Users users = users(arguments.list("--users"), owner);
    String plan = arguments.value("--plan");
    Duration expires = arguments.age("--expires");
    arguments.end();
    Map<String, Plan.Rules> plans = configuration.file().plans();
    if (plan != null && !plans.containsKey(plan)) {
      throw new BadUsage("--plan: " + plan + " is none of " + new TreeSet<>(plans.keySet()));
    }
    if (scopes.isEmpty() && roles.isEmpty()) {
      throw new BadUsage("--scopes or --roles is needed: without one a key opens nothing");
    }
    Instant end = expires == null ? null : clock.instant().plus(expires);
    ApiKeyText key = maker.create(new ApiKeyAdmin.Wanted(owner, scopes, roles, users, plan, end));
    told(configuration, AuditRecord.Decision.CREATE, key.id(), owner);
    out.println(key.reveal());
  }

  static Set<Scope> scopes(List<String> names, Roles known) throws BadUsage {
    Set<Scope> scopes = new HashSet<>();
    for (String name : names) {
      if (!Scope.isValid(name) || !known.every().contains(new Scope(name))) {
        throw new BadUsage("--scopes: " + name + " is none of " + known.every());
      }
      scopes.add(new Scope(name));
    }
    return scopes;
  }

  private static Set<String> roles(List<String> names, Roles known) throws BadUsage {
    for (String name : names) {
      if (!known.isKnown(name)) {
        throw new BadUsage("--roles: " + name + " is no role of the configuration");
      }
    }
    return Set.copyOf(names);
  }

  /**
   * Records the change. The key file has changed by then; a key that cannot be recorded is not
   * printed, so nobody has it.
   */
  private void told(
      Configuration configuration, AuditRecord.Decision decision, String id, String owner)
      throws BadConfiguration, IOException {
    Path file = configuration.settings().auditFile();
    if (file == null) {
      return;
    }
    AuditRecord.Context context = configuration.auditContext();
    try {
      new AuditFile(AuditFile.ofCommands(file), context)
          .append(List.of(AuditRecord.keyChange(decision, id, owner, context)));
    } catch (IOException failed) {
      throw new IOException(
          "key " + id + " was changed, but AUDIT_FILE cannot be written: " + failed.getMessage());
    }
  }

  private static Users users(List<String> names, String owner) throws BadUsage {
    List<String> checked = new ArrayList<>(names);
    checked.remove("*");
    checked.add(owner);
    if (owner.equals("*")) {
      throw new BadUsage("--owner names one holder; for every user say --users '*'");
    }
    for (String name : checked) {
      if (UserId.parse(name).isEmpty()) {
        throw new BadUsage(
            "--users, --owner: a user id has 1 to 255 characters, none of / \\ ; and no"
                + " percent-escape");
      }
    }
    return KeyEntry.usersOf(names, owner);
  }

  private void list(Arguments arguments, ApiKeyAdmin maker)
      throws BadUsage, IOException, KeyFile.Broken {
    arguments.end();
    out.printf(
        "%-12s  %-8s  %-20s  %-20s  %-24s  %s%n",
        "ID", "STATE", "EXPIRES", "OWNER", "USERS", "SCOPES AND ROLES");
    for (KeyEntry key : maker.list()) {
      List<String> rights =
          new ArrayList<>(key.scopes().stream().map(Scope::name).sorted().toList());
      key.roles().stream().sorted().forEach(role -> rights.add("role " + role));
      out.printf(
          "%-12s  %-8s  %-20s  %-20s  %-24s  %s%n",
          key.id(),
          stateOf(key),
          shown(key.expires()),
          key.owner(),
          String.join(",", KeyEntry.namesOf(key.users())),
          String.join(" ", rights));
    }
  }

  private String stateOf(KeyEntry key) {
    return key.revoked() != null ? "revoked" : key.isGoodAt(clock.instant()) ? "good" : "expired";
  }

  private static String shown(@Nullable Instant time) {
    return time == null ? "never" : Instant.ofEpochSecond(time.getEpochSecond()).toString();
  }

  private void revoke(Arguments arguments, Configuration configuration, ApiKeyAdmin maker)
      throws BadUsage, BadConfiguration, IOException, KeyFile.Broken, ApiKeyAdmin.NoSuchKey {
    String id = arguments.word("the id of the key");
    arguments.end();
    maker.revoke(id);
    told(configuration, AuditRecord.Decision.REVOKE, id, ownerOf(maker, id));
    err.println("revoked " + id + "; a running gateway sees it within 5 s");
  }

  private static String ownerOf(ApiKeyAdmin maker, String id) throws IOException, KeyFile.Broken {
    return maker.list().stream()
        .filter(key -> key.id().equals(id))
        .map(KeyEntry::owner)
        .findFirst()
        .orElse("");
  }

  private void rotate(Arguments arguments, Configuration configuration, ApiKeyAdmin maker)
      throws BadUsage, BadConfiguration, IOException, KeyFile.Broken, ApiKeyAdmin.NoSuchKey {
    String id = arguments.word("the id of the key");
    Duration grace = arguments.age("--grace");
    arguments.end();
    Duration still = grace == null ? GRACE : grace;
    ApiKeyText key = maker.rotate(id, still);
    told(configuration, AuditRecord.Decision.ROTATE, id, ownerOf(maker, id));
    told(configuration, AuditRecord.Decision.CREATE, key.id(), ownerOf(maker, key.id()));
    out.println(key.reveal());
    err.println(id + " ends at " + shown(clock.instant().plus(still)));
  }
}
