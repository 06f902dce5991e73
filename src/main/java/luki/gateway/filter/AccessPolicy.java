package luki.gateway.filter;

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

/**
 * Who may do what: pure functions, so that no server is needed to test them. Each has the error
 * with which a filter refuses; empty where the principal may do it.
 */
public final class AccessPolicy {
  private AccessPolicy() {}

  /** Why this principal may not call the operation at all. */
  static Optional<ApiError> decide(Access access, Principal principal) {
    return switch (access) {
      case Access.Public _ -> Optional.empty();
      case Access.Authenticated _, Access.Scoped _ when principal instanceof Principal.Anonymous ->
          Optional.of(new ApiError.Unauthenticated(false));
      case Access.Authenticated _ -> Optional.empty();
      case Access.Scoped(Set<Scope> needed) ->
          principal.scopes().containsAll(needed)
              ? Optional.empty()
              : Optional.of(new ApiError.MissingScope(needed));
    };
  }

  /**
   * Why this principal may not choose this version of services. Who is anonymous calls none.
   *
   * @param wanted null: no choice is made
   */
  static Optional<ApiError> decideVersion(
      @Nullable String wanted, Principal principal, Set<UpstreamVersion> versions) {
    if (wanted == null || principal instanceof Principal.Anonymous) {
      return Optional.empty();
    }
    if (!principal.scopes().contains(Scope.FORCE_VERSION)) {
      return Optional.of(new ApiError.MissingScope(Set.of(Scope.FORCE_VERSION)));
    }
    boolean known =
        UpstreamVersion.isValid(wanted)
            && (wanted.equals(UpstreamVersion.STABLE.name())
                || versions.contains(new UpstreamVersion(wanted)));
    return known
        ? Optional.empty()
        : Optional.of(ApiError.invalid("/" + UpstreamVersion.FIELD, "version"));
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
    Optional<ApiError> denial = decide(exchange.policy().access(), now.get());
    UserId user = exchange.subject();
    return denial.isEmpty() && user != null ? decideOwner(now.get(), user) : denial;
  }

  /** Why this principal may not act for the user. */
  static Optional<ApiError> decideOwner(Principal principal, UserId user) {
    return principal.scopes().contains(Scope.ANY_USER) || principal.users().include(user)
        ? Optional.empty()
        : Optional.of(ApiError.of(ErrorCode.NOT_OWNER));
  }
}
