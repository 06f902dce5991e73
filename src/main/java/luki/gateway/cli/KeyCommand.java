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
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import luki.gateway.app.Configuration;
import luki.gateway.audit.AuditFile;
import luki.gateway.audit.AuditRecord;
import luki.gateway.cli.Arguments.BadUsage;
import luki.gateway.config.GatewayFile.Roles;
import luki.gateway.config.Plan;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.config.Spelling;
import luki.gateway.http.Principal.Users;
import luki.gateway.http.Scope;
import luki.gateway.http.UserId;
import luki.gateway.keys.ApiKeyAdmin;
import luki.gateway.keys.ApiKeyText;
import luki.gateway.keys.KeyEntry;
import luki.gateway.keys.KeyFile;
import luki.gateway.keys.KeyedHash;
import org.jspecify.annotations.Nullable;

/** {@code key}: creates, lists, revokes and rotates API keys. A key is printed once, on stdout. */
record KeyCommand(
    PrintStream out,
    PrintStream err,
    Clock clock,
    Arguments arguments,
    Configuration configuration,
    ApiKeyAdmin keys) {
  static final String USER_ID = "1 to 255 characters, none of / \\ ; and no percent-escape";
  private static final Duration GRACE = Duration.ofDays(7);
  private static final String SEEN = "; a running gateway sees it within 5 s";

  static int run(String name, PrintStream out, PrintStream err, Arguments arguments)
      throws BadUsage, BadConfiguration, IOException {
    Configuration configuration = Configuration.ofProcess();
    Clock clock = Clock.systemUTC();
    ApiKeyAdmin keys =
        new ApiKeyAdmin(
            new KeyFile(configuration.settings().keyFile()),
            KeyedHash.ofPepper(configuration.pepper()),
            clock);
    KeyCommand command = new KeyCommand(out, err, clock, arguments, configuration, keys);
    try {
      switch (name) {
        case "key create" -> command.create();
        case "key list" -> command.list();
        case "key revoke" -> command.revoke();
        case "key rotate" -> command.rotate();
        default -> throw new IllegalArgumentException(name);
      }
      return 0;
    } catch (KeyFile.Broken broken) {
      throw new BadConfiguration(configuration.settings().keyFile() + ": " + broken.getMessage());
    } catch (ApiKeyAdmin.NoSuchKey missing) {
      err.println("luki-gateway: no valid key has this id");
      return 1;
    }
  }

  private void create() throws BadUsage, BadConfiguration, IOException, KeyFile.Broken {
    String owner = arguments.required("--owner");
    Set<Scope> scopes = scopes(arguments.list("--scopes"), configuration.roles());
    Set<String> roles = roles(arguments.list("--roles"), configuration.roles());
    Users users = users(arguments.list("--users"), owner);
    String plan = arguments.value("--plan");
    Duration expires = arguments.age("--expires");
    arguments.end();
    Map<String, Plan.Rules> plans = configuration.file().plans();
    if (plan != null && !plans.containsKey(plan)) {
      throw new BadUsage("--plan must be one of " + new TreeSet<>(plans.keySet()) + ": " + plan);
    }
    if (scopes.isEmpty() && roles.isEmpty()) {
      throw new BadUsage("--scopes or --roles is required: without them a key gives no access");
    }
    Instant end = expires == null ? null : clock.instant().plus(expires);
    ApiKeyText key = keys.create(new ApiKeyAdmin.Wanted(owner, scopes, roles, users, plan, end));
    record(AuditRecord.Decision.CREATE, key.id(), owner);
    out.println(key.reveal());
    err.println("added " + key.id() + " to " + keys.file().path() + SEEN);
  }

  static Set<Scope> scopes(List<String> names, Roles known) throws BadUsage {
    Set<Scope> scopes = new HashSet<>();
    for (String name : names) {
      if (!Scope.isValid(name) || !known.every().contains(new Scope(name))) {
        List<String> all = Scope.names(known.every());
        throw new BadUsage("--scopes must be of " + all + ": " + name + Spelling.hint(name, all));
      }
      scopes.add(new Scope(name));
    }
    return scopes;
  }

  private static Set<String> roles(List<String> names, Roles known) throws BadUsage {
    for (String name : names) {
      if (!known.isKnown(name)) {
        throw new BadUsage("--roles: the configuration has no role " + name);
      }
    }
    return Set.copyOf(names);
  }

  /**
   * Writes the audit record. The key file is already changed; a key that cannot be recorded is not
   * printed, so it cannot be used.
   */
  private void record(AuditRecord.Decision decision, String id, String owner)
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
      throw new BadUsage("--owner must be one user id; use --users '*' for access to every user");
    }
    for (String name : checked) {
      if (UserId.parse(name).isEmpty()) {
        throw new BadUsage("--users, --owner must be user ids: " + USER_ID);
      }
    }
    return KeyEntry.usersOf(names, owner);
  }

  private void list() throws BadUsage, IOException, KeyFile.Broken {
    arguments.end();
    Table table = new Table();
    table.add("ID", "STATE", "EXPIRES", "OWNER", "USERS", "SCOPES AND ROLES");
    for (KeyEntry key : keys.file().read()) {
      List<String> rights = new ArrayList<>(Scope.names(key.scopes()));
      key.roles().stream().sorted().forEach(role -> rights.add("role " + role));
      table.add(
          key.id(),
          stateOf(key),
          shown(key.expires()),
          key.owner(),
          String.join(",", KeyEntry.namesOf(key.users())),
          String.join(" ", rights));
    }
    table.print(out);
  }

  private String stateOf(KeyEntry key) {
    return key.revoked() != null ? "revoked" : key.isGoodAt(clock.instant()) ? "valid" : "expired";
  }

  private static String shown(@Nullable Instant time) {
    return time == null ? "never" : Instant.ofEpochSecond(time.getEpochSecond()).toString();
  }

  private void revoke()
      throws BadUsage, BadConfiguration, IOException, KeyFile.Broken, ApiKeyAdmin.NoSuchKey {
    String id = arguments.word("the id of the key");
    arguments.end();
    keys.revoke(id);
    record(AuditRecord.Decision.REVOKE, id, ownerOf(id));
    err.println("revoked " + id + " in " + keys.file().path() + SEEN);
  }

  private Optional<KeyEntry> stored(String id) throws IOException, KeyFile.Broken {
    return keys.file().read().stream().filter(key -> key.id().equals(id)).findFirst();
  }

  private String ownerOf(String id) throws IOException, KeyFile.Broken {
    return stored(id).map(KeyEntry::owner).orElse("");
  }

  private void rotate()
      throws BadUsage, BadConfiguration, IOException, KeyFile.Broken, ApiKeyAdmin.NoSuchKey {
    String id = arguments.word("the id of the key");
    Duration given = arguments.age("--grace");
    arguments.end();
    Duration grace = given == null ? GRACE : given;
    ApiKeyText key = keys.rotate(id, grace);
    record(AuditRecord.Decision.ROTATE, id, ownerOf(id));
    record(AuditRecord.Decision.CREATE, key.id(), ownerOf(key.id()));
    out.println(key.reveal());
    printEnd(id);
    err.println("added " + key.id() + " to " + keys.file().path() + SEEN);
    printEnd(key.id());
  }

  /** As it is stored: a key does not live longer by its grace, nor its successor. */
  private void printEnd(String id) throws IOException, KeyFile.Broken {
    stored(id).map(KeyEntry::expires).ifPresent(at -> err.println(id + " ends at " + shown(at)));
  }
}
