package luki.gateway.http;

import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/** A right by name, such as {@code elr:read}. */
public record Scope(String name) {
  private static final Pattern GRAMMAR = Pattern.compile("[a-z][a-z0-9_-]{0,31}:[a-z]{1,16}");

  /** May act for every user. */
  public static final Scope ANY_USER = new Scope("users:any");

  /** May name the version of a service that its requests go to. */
  public static final Scope FORCE_VERSION = new Scope("ops:canary");

  public Scope {
    if (!GRAMMAR.matcher(name).matches()) {
      throw new IllegalArgumentException("a scope looks like name:action");
    }
  }

  public static boolean isValid(String name) {
    return GRAMMAR.matcher(name).matches();
  }

  /** The names of scopes, in order. */
  public static List<String> names(Set<Scope> scopes) {
    return scopes.stream().map(Scope::name).sorted().toList();
  }

  @Override
  public String toString() {
    return name;
  }
}
