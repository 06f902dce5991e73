package luki.gateway.filter;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import luki.gateway.http.ApiError;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Policy.Access;
import luki.gateway.http.Principal;
import luki.gateway.http.Scope;
import luki.gateway.http.UpstreamVersion;
import luki.gateway.http.UserId;
import org.jspecify.annotations.Nullable;

/** Who may do what: pure functions, so that no server is needed to test them. */
public final class AccessPolicy {
  private AccessPolicy() {}

  /** A filter acts on it. */
  public sealed interface Decision {
    record Permit() implements Decision {}

    record Deny(ApiError because) implements Decision {}
  }

  /** May this principal call the operation at all? */
  public static Decision decide(Access access, Principal principal) {
    Set<Scope> needed =
        switch (access) {
          case Access.Public _, Access.Authenticated _ -> Set.of();
          case Access.Scoped scoped -> scoped.allOf();
        };
    return switch (principal) {
      case Principal.Anonymous _ ->
          access instanceof Access.Public
              ? new Decision.Permit()
              : new Decision.Deny(new ApiError.Unauthenticated(false));
      case Principal.Key _, Principal.User _, Principal.Service _ ->
          principal.scopes().containsAll(needed)
              ? new Decision.Permit()
              : new Decision.Deny(new ApiError.MissingScope(needed));
    };
  }

  /**
   * May this principal choose the version of services by name? Who is anonymous calls none.
   *
   * @param wanted null: no choice is made
   */
  public static Decision decideVersion(
      @Nullable String wanted, Principal principal, Set<UpstreamVersion> versions) {
    if (wanted == null || principal instanceof Principal.Anonymous) {
      return new Decision.Permit();
    }
    if (!principal.scopes().contains(Scope.FORCE_VERSION)) {
      return new Decision.Deny(new ApiError.MissingScope(Set.of(Scope.FORCE_VERSION)));
    }
    boolean known =
        UpstreamVersion.isValid(wanted)
            && (wanted.equals(UpstreamVersion.STABLE.name())
                || versions.contains(new UpstreamVersion(wanted)));
    return known
        ? new Decision.Permit()
        : new Decision.Deny(
            new ApiError.Invalid(
                List.of(new ApiError.Detail("/" + UpstreamVersion.FIELD, "version"))));
  }

  /**
   * Why the caller of a request that passed these decisions may no longer have its answer.
   *
   * @param now the caller with the rights of now, empty without a valid credential
   */
  public static Optional<ApiError> refusal(Exchange exchange, Optional<Principal> now) {
    if (now.isEmpty()) {
      return Optional.of(new ApiError.Unauthenticated(true));
    }
    Decision decision = decide(exchange.policy().access(), now.get());
    UserId user = exchange.subject();
    if (decision instanceof Decision.Permit && user != null) {
      decision = decideOwner(now.get(), user);
    }
    return decision instanceof Decision.Deny(ApiError because)
        ? Optional.of(because)
        : Optional.empty();
  }

  /** May this principal act for the user? */
  public static Decision decideOwner(Principal principal, UserId user) {
    return principal.scopes().contains(Scope.ANY_USER) || principal.users().include(user)
        ? new Decision.Permit()
        : new Decision.Deny(ApiError.of(ErrorCode.NOT_OWNER));
  }
}
