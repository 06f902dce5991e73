package luki.gateway.http;

import java.time.Instant;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Who calls, after verification. */
public sealed interface Principal {
  Set<Scope> scopes();

  /** The users this caller may act for; {@link Scope#ANY_USER} widens it. */
  Users users();

  /** Who it is to the services and, hashed, in the log. */
  String subject();

  /** How it was verified, if at all. */
  default Kind kind() {
    return switch (this) {
      case Anonymous _ -> Kind.ANONYMOUS;
      case Key _ -> Kind.KEY;
      case User _ -> Kind.USER;
      case Service _ -> Kind.SERVICE;
    };
  }

  /** The user, key or service of its kind whose limits its calls count in. */
  default String account() {
    return subject();
  }

  /** Whose limits its calls count in: one text for each user, key or service. */
  default String limitedAs() {
    return kind().label() + ":" + account();
  }

  /** Whether both have the same {@link #limitedAs}; makes no text to find out. */
  default boolean isSameCaller(Principal other) {
    return kind() == other.kind() && account().equals(other.account());
  }

  /** The plan that it was given; null for none. */
  default @Nullable String plan() {
    return null;
  }

  /** The kinds of callers. */
  enum Kind {
    ANONYMOUS,
    KEY,
    USER,
    SERVICE;

    private final String label = name().toLowerCase(Locale.ROOT);

    /** The name in tokens, limits and the log. */
    public String label() {
      return label;
    }
  }

  /** No credential was verified. */
  record Anonymous() implements Principal {
    @Override
    public Set<Scope> scopes() {
      return Set.of();
    }

    @Override
    public Users users() {
      return Users.only(Set.of());
    }

    @Override
    public String subject() {
      return "";
    }
  }

  /** An end user, by a token of the issuer that is valid until {@code expires}. */
  record User(
      String subject, Set<Scope> scopes, Users users, Instant expires, @Nullable String plan)
      implements Principal {
    public User {
      scopes = Set.copyOf(scopes);
    }
  }

  /** An internal service, by a token that it signed and that is valid until {@code expires}. */
  record Service(
      String subject, Set<Scope> scopes, Users users, Instant expires, @Nullable String plan)
      implements Principal {
    public Service {
      scopes = Set.copyOf(scopes);
    }
  }

  /**
   * The holder of an API key.
   *
   * @param lineage id of the first key that it was rotated from: a rotation keeps limits and quotas
   */
  record Key(
      String id,
      String lineage,
      String owner,
      Set<Scope> scopes,
      Users users,
      @Nullable String plan)
      implements Principal {
    public Key {
      scopes = Set.copyOf(scopes);
    }

    @Override
    public String subject() {
      return owner;
    }

    @Override
    public String account() {
      return lineage;
    }

    /** Of the id alone: a record's own goes through all scopes and users, for each request. */
    @Override
    public int hashCode() {
      return id.hashCode();
    }
  }

  /** The users that a caller may act for. */
  record Users(boolean everyone, Set<UserId> named) {
    public static final Users EVERYONE = new Users(true, Set.of());

    public Users {
      named = Set.copyOf(named);
    }

    public static Users only(Set<UserId> users) {
      return new Users(false, users);
    }

    public boolean include(UserId user) {
      return everyone || named.contains(user);
    }
  }

  /**
   * A caller as logs, bills and audit records name it: the beginning of a keyed hash, so that the
   * same caller can be recognised but not identified.
   *
   * @param value 16 lower-case hex digits; empty for an anonymous caller
   */
  record CallerName(String value) {
    public static final CallerName NOBODY = new CallerName("");

    public CallerName {
      if (!value.matches("([0-9a-f]{16})?")) {
        throw new IllegalArgumentException("not a keyed hash");
      }
    }
  }
}
