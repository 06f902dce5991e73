package luki.gateway.filter;

import luki.gateway.http.ApiError;
import luki.gateway.http.Decision;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Policy.Access;
import luki.gateway.http.Principal;
import luki.gateway.http.Scope;
import luki.gateway.http.UserId;

/** Decides, and does nothing else: it needs no server to be tested. */
public final class AccessPolicy {
  private AccessPolicy() {}

  /** May this principal call the operation at all? */
  public static Decision decide(Access access, Principal principal) {
    return switch (access) {
      case Access.Public _ -> Decision.PERMIT;
      case Access.Scoped scoped ->
          switch (principal) {
            case Principal.Anonymous _ -> Decision.deny(new ApiError.Unauthenticated(false));
            case Principal.Key _, Principal.User _, Principal.Service _ ->
                principal.scopes().containsAll(scoped.allOf())
                    ? Decision.PERMIT
                    : Decision.deny(new ApiError.MissingScope(scoped.allOf()));
          };
    };
  }

  /** May this principal act for the user? */
  public static Decision decideOwner(Principal principal, UserId user) {
    return principal.scopes().contains(Scope.ANY_USER) || principal.users().include(user)
        ? Decision.PERMIT
        : Decision.deny(ApiError.of(ErrorCode.NOT_OWNER));
  }
}
