package luki.gateway.http;

import java.util.List;

/**
 * What the user must have consented to.
 *
 * @param operation the name under which the question is asked
 * @param askedBy the filter refuses the request; a handler goes on with less
 */
public record ConsentRule(List<String> scopes, String operation, AskedBy askedBy) {
  public ConsentRule {
    scopes = List.copyOf(scopes);
    if (scopes.isEmpty()) {
      // The security service allows an empty list always, so an empty rule would be none.
      throw new IllegalArgumentException("a consent rule names a scope");
    }
  }

  /** Who puts the question. */
  public enum AskedBy {
    FILTER,
    HANDLER
  }
}
