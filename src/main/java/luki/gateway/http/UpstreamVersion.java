package luki.gateway.http;

import java.util.regex.Pattern;
import luki.http1.Fields;
import org.jspecify.annotations.Nullable;

/** The name of a version of a service; the configuration has few of them. */
public record UpstreamVersion(String name) implements Comparable<UpstreamVersion> {
  /** In a request of a caller with {@link Scope#FORCE_VERSION}: the version that it wants. */
  public static final String FIELD = "X-Luki-Version";

  private static final Pattern GRAMMAR = Pattern.compile("[a-z][a-z0-9-]{0,15}");

  /** The version that a service's own variable has the address of. */
  public static final UpstreamVersion STABLE = new UpstreamVersion("stable");

  public UpstreamVersion {
    if (!isValid(name)) {
      throw new IllegalArgumentException("a version is called like canary or v2-1");
    }
  }

  public static boolean isValid(String name) {
    return GRAMMAR.matcher(name).matches();
  }

  /** The version that the request names, if the name could be one. */
  public static @Nullable UpstreamVersion forced(Fields headers) {
    String name = headers.first(FIELD);
    return name == null || !isValid(name) ? null : new UpstreamVersion(name);
  }

  @Override
  public int compareTo(UpstreamVersion other) {
    return name.compareTo(other.name);
  }

  @Override
  public String toString() {
    return name;
  }
}
