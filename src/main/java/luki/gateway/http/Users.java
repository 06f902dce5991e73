package luki.gateway.http;

import java.util.Set;

/** The users that a caller may act for. */
public sealed interface Users {
  boolean include(UserId user);

  static Users only(Set<UserId> users) {
    return new Only(users);
  }

  record Everyone() implements Users {
    @Override
    public boolean include(UserId user) {
      return true;
    }
  }

  record Only(Set<UserId> users) implements Users {
    public Only {
      users = Set.copyOf(users);
    }

    @Override
    public boolean include(UserId user) {
      return users.contains(user);
    }
  }
}
