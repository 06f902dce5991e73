package luki.http1;

import java.net.URI;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Host and port of a URI (RFC 3986 §3.2), also of a host with an underscore in its name, for which
 * {@link URI#getHost} is null: Docker Compose and Kubernetes make such names.
 *
 * @param port -1 where the URI has none
 */
public record Authority(String host, int port) {
  private static final Pattern NAME =
      Pattern.compile("(?:.*@)?([A-Za-z0-9_][A-Za-z0-9._-]{0,254})(?::([0-9]{1,5})?)?");

  /** Null where the URI has no host that can be called. */
  public static @Nullable Authority of(URI uri) {
    if (uri.getHost() != null) {
      return new Authority(uri.getHost(), uri.getPort());
    }
    String text = uri.getRawAuthority();
    Matcher name = NAME.matcher(text == null ? "" : text);
    if (!name.matches()) {
      return null;
    }
    String port = name.group(2);
    return new Authority(name.group(1), port == null ? -1 : Integer.parseInt(port));
  }
}
