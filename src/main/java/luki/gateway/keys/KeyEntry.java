package luki.gateway.keys;

import java.time.DateTimeException;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import luki.gateway.http.Principal.Users;
import luki.gateway.http.Scope;
import luki.gateway.http.UserId;
import luki.gateway.json.Json;
import org.jspecify.annotations.Nullable;

/**
 * A key as it is stored: not the key itself, only its HMAC.
 *
 * @param lineage id of the first key that it was rotated from, its own id where it was not: limits
 *     and quotas are those of the lineage
 * @param hash hex of HMAC-SHA-256 under the pepper
 * @param expires null for never
 * @param revoked null while it is valid
 */
public record KeyEntry(
    String id,
    String lineage,
    String hash,
    String owner,
    Set<Scope> scopes,
    Set<String> roles,
    Users users,
    @Nullable String plan,
    Instant created,
    @Nullable Instant expires,
    @Nullable Instant revoked) {
  private static final String EVERYONE = "*";
  private static final Set<String> MEMBERS =
      Set.of(
          "id", "lineage", "hash", "owner", "scopes", "roles", "users", "plan", "created",
          "expires", "revoked");

  public KeyEntry {
    scopes = Set.copyOf(scopes);
    roles = Set.copyOf(roles);
  }

  public boolean isGoodAt(Instant now) {
    return revoked == null && (expires == null || now.isBefore(expires));
  }

  public KeyEntry revokedAt(Instant when) {
    return new KeyEntry(
        id, lineage, hash, owner, scopes, roles, users, plan, created, expires, when);
  }

  public KeyEntry expiringAt(Instant when) {
    Instant sooner = expires == null || when.isBefore(expires) ? when : expires;
    return new KeyEntry(
        id, lineage, hash, owner, scopes, roles, users, plan, created, sooner, revoked);
  }

  /** {@code *} or a comma list of ids; empty means the owner alone. */
  public static Users usersOf(List<String> names, String owner) {
    if (names.contains(EVERYONE)) {
      return Users.EVERYONE;
    }
    List<String> some = names.isEmpty() ? List.of(owner) : names;
    return Users.only(some.stream().map(UserId::new).collect(Collectors.toSet()));
  }

  Json toJson() {
    return Json.object()
        .put("id", id)
        .put("hash", hash)
        .put("owner", owner)
        .put("scopes", Json.strings(Scope.names(scopes)))
        .put("roles", Json.strings(new TreeSet<>(roles)))
        .put("users", Json.strings(namesOf(users)))
        .put("created", created.toString())
        .putPresent("lineage", lineage.equals(id) ? Json.MISSING : Json.of(lineage))
        .putPresent("plan", text(plan))
        .putPresent("expires", text(expires))
        .putPresent("revoked", text(revoked))
        .build();
  }

  private static Json text(@Nullable Object value) {
    return value == null ? Json.MISSING : Json.of(value.toString());
  }

  /** The users in the form of the file and the command line. */
  public static List<String> namesOf(Users users) {
    return users.everyone()
        ? List.of(EVERYONE)
        : users.named().stream().map(UserId::value).sorted().toList();
  }

  /**
   * Reads one.
   *
   * @throws IllegalArgumentException it is not what this class writes
   */
  static KeyEntry of(Json json) {
    if (!MEMBERS.containsAll(json.members().keySet())) {
      throw new IllegalArgumentException("a key has a member that is not known");
    }
    String hash = json.at("hash").string("");
    String id = json.at("id").string("");
    if (HexFormat.of().parseHex(hash).length != 32 || id.isEmpty()) {
      throw new IllegalArgumentException("a key needs an id and a hash");
    }
    String owner = json.at("owner").string("");
    try {
      return new KeyEntry(
          id,
          json.at("lineage").string(id),
          hash,
          owner,
          strings(json.at("scopes")).stream().map(Scope::new).collect(Collectors.toSet()),
          Set.copyOf(strings(json.at("roles"))),
          usersOf(strings(json.at("users")), owner),
          json.at("plan").string(),
          Instant.parse(json.at("created").string("")),
          instant(json.at("expires")),
          instant(json.at("revoked")));
    } catch (DateTimeException malformed) {
      throw new IllegalArgumentException("a time is not RFC 3339", malformed);
    }
  }

  private static List<String> strings(Json array) {
    List<String> strings = array.stringList();
    if (strings == null) {
      throw new IllegalArgumentException("must be a list of strings");
    }
    return strings;
  }

  private static @Nullable Instant instant(Json time) {
    // What is no text is no time: "" is not RFC 3339.
    return time.isAbsent() ? null : Instant.parse(time.string(""));
  }
}
