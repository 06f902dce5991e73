package luki.gateway.tokens;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import luki.gateway.config.Roles;
import luki.gateway.http.Principal;
import luki.gateway.http.Scope;
import luki.gateway.http.UserId;
import luki.gateway.http.Users;
import luki.gateway.json.Json;
import org.jspecify.annotations.Nullable;

/**
 * The claims of an end user's token to a principal. A token with a claim of another type, or with a
 * subject that is no user id, is refused.
 */
final class UserClaims {
  /** RFC 9068 §4 for access tokens; older issuers write {@code JWT} or nothing. */
  static final Set<String> TYPES = Set.of("", "jwt", "at+jwt");

  private final Roles roles;

  UserClaims(Roles roles) {
    this.roles = roles;
  }

  Optional<Principal> principal(SignedToken token) {
    Json claims = token.claims();
    Optional<UserId> subject = UserId.parse(claims.at("sub").string(""));
    List<String> names = names(claims.at("scope"), claims.at("scp"), claims.at("permissions"));
    List<String> roleNames = strings(claims.at("roles"));
    Json plan = claims.at("plan");
    if (subject.isEmpty()
        || claims.at("iss").string() == null
        || names == null
        || roleNames == null
        || !(plan.isMissing() || plan.string() != null)) {
      return Optional.empty();
    }
    Set<Scope> scopes = new HashSet<>();
    for (String name : names) {
      if (Scope.isValid(name)) {
        scopes.add(new Scope(name));
      }
    }
    return Optional.of(
        new Principal.User(
            subject.get().value(),
            roles.expand(scopes, new HashSet<>(roleNames)),
            Users.only(Set.of(subject.get())),
            token.expiry(),
            plan.string()));
  }

  private static @Nullable List<String> names(Json scope, Json scp, Json permissions) {
    if (!scope.isMissing()) {
      String text = scope.string();
      return text == null ? null : Arrays.asList(text.split(" ", -1));
    }
    return strings(scp.isMissing() ? permissions : scp);
  }

  private static @Nullable List<String> strings(Json array) {
    return array.isMissing() ? List.of() : array.stringList();
  }
}
