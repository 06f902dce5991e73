package luki.gateway.http;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import luki.gateway.http.Policy.Meter;
import org.jspecify.annotations.Nullable;

/**
 * Who may call an operation, for whom, and how much.
 *
 * @param consent null where the user need not have consented to anything
 * @param limits what a call takes from its caller
 * @param alwaysAdmitted served while the gateway drains or is overloaded, as health checks must be
 */
public record Policy(
    Access access,
    Owner owner,
    @Nullable ConsentRule consent,
    Limits limits,
    boolean alwaysAdmitted) {

  /** Anyone may call it, for no user in particular, and it counts for nothing. */
  public static Policy open(boolean alwaysAdmitted) {
    return new Policy(new Access.Public(), new Owner.None(), null, Limits.FREE, alwaysAdmitted);
  }

  public boolean isPublic() {
    return access instanceof Access.Public;
  }

  /** The same, but a call counts in no quota and on no bill. */
  public Policy unmetered() {
    return new Policy(access, owner, consent, new Limits(limits.cost, Set.of()), alwaysAdmitted);
  }

  /** Who may call. There is no default: an operation without an access rule does not compile. */
  public sealed interface Access {
    /** The names of the scopes that a caller must have, with spaces between them. */
    default String scopes() {
      return switch (this) {
        case Public _, Authenticated _ -> "";
        case Scoped scoped -> String.join(" ", Scope.names(scoped.allOf));
      };
    }

    /** Anyone; credentials are ignored. */
    record Public() implements Access {}

    /** Any caller with a valid credential: what it may do is decided in requests of its own. */
    record Authenticated() implements Access {}

    /** A caller that has all of these scopes. */
    record Scoped(Set<Scope> allOf) implements Access {
      public Scoped {
        allOf = Set.copyOf(allOf);
        if (allOf.isEmpty()) {
          throw new IllegalArgumentException("a scoped operation needs at least one scope");
        }
      }
    }
  }

  /** Where a request names the user for whom the caller must be allowed to act. */
  public sealed interface Owner {
    /** The member, parameter or field that has the user; empty for none. */
    default String name() {
      return "";
    }

    /** The operation acts for no user. Always explicit, never a default. */
    record None() implements Owner {}

    /** A top-level member of the JSON body. */
    record InBody(String name) implements Owner {}

    record InQuery(String name) implements Owner {}

    record InPath(String name) implements Owner {}

    /** The path parameter is an item's id; the user is all before its last underscore. */
    record ItemPrefix(String name) implements Owner {}
  }

  /**
   * What the user must have consented to.
   *
   * @param operation the name that the security service gets with the question
   * @param askedBy the filter refuses without consent; a handler answers with less
   */
  public record ConsentRule(List<String> scopes, String operation, AskedBy askedBy) {
    public ConsentRule {
      scopes = List.copyOf(scopes);
      if (scopes.isEmpty()) {
        // The security service always allows an empty list, so an empty rule would allow all.
        throw new IllegalArgumentException("a consent rule needs at least one scope");
      }
    }

    /** Which part of the gateway asks the security service. */
    public enum AskedBy {
      FILTER,
      HANDLER
    }
  }

  /**
   * What one call takes from its caller.
   *
   * @param cost in units of the caller's rate; 1 for most operations
   * @param meters the quotas that it counts in; with none it is free of quotas and never billed
   */
  public record Limits(int cost, Set<Meter> meters) {
    public static final Limits FREE = new Limits(0, Set.of());

    public Limits {
      meters = Set.copyOf(meters);
    }

    /** What one call counts as, before anything was streamed. */
    public Units units() {
      return new Units(
          meters.contains(Meter.REQUESTS) ? 1 : 0, meters.contains(Meter.CHAT_MESSAGES) ? 1 : 0, 0);
    }
  }

  /** What calls are counted in, for quotas and for bills. */
  public enum Meter {
    REQUESTS,
    CHAT_MESSAGES,
    STREAMED_CHARACTERS;

    private final String label = name().toLowerCase(Locale.ROOT);

    public String label() {
      return label;
    }

    /** By its label; null where there is none of that name. */
    public static @Nullable Meter of(String label) {
      return Arrays.stream(values())
          .filter(one -> one.label.equals(label))
          .findFirst()
          .orElse(null);
    }
  }

  /** An amount for each {@link Meter}. */
  public record Units(long requests, long chatMessages, long streamedCharacters) {
    public static final Units NONE = new Units(0, 0, 0);

    public long of(Meter meter) {
      return switch (meter) {
        case REQUESTS -> requests;
        case CHAT_MESSAGES -> chatMessages;
        case STREAMED_CHARACTERS -> streamedCharacters;
      };
    }

    public Units withCharacters(long characters) {
      return new Units(requests, chatMessages, characters);
    }

    public boolean isNone() {
      return requests == 0 && chatMessages == 0 && streamedCharacters == 0;
    }
  }
}
