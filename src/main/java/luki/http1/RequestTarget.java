package luki.http1;

import luki.http1.BadMessage.Reason;
import org.jspecify.annotations.Nullable;

/** The four forms of RFC 9112 §3.2. */
final class RequestTarget {
  private RequestTarget() {}

  /** The origin-form, or {@code *}. */
  static String of(String method, String raw, @Nullable String host) throws BadMessage {
    if (method.equals("CONNECT")) {
      throw new BadMessage(Reason.METHOD);
    }
    if (raw.equals("*")) {
      // §3.2.4: for OPTIONS alone.
      if (method.equals("OPTIONS")) {
        return raw;
      }
      throw new BadMessage(Reason.TARGET);
    }
    String target = raw.startsWith("/") ? raw : ofAbsolute(raw, host);
    if (!Grammar.isOriginForm(target)) {
      throw new BadMessage(Reason.TARGET);
    }
    return target;
  }

  private static String ofAbsolute(String raw, @Nullable String host) throws BadMessage {
    int authority = authorityOf(raw);
    if (authority < 0) {
      throw new BadMessage(Reason.TARGET);
    }
    int end = authority;
    while (end < raw.length() && raw.charAt(end) != '/' && raw.charAt(end) != '?') {
      end++;
    }
    String named = raw.substring(authority, end);
    // §3.2: a client sends an identical Host; where it differs, two readers may disagree.
    if (!Grammar.isHost(named) || (host != null && !named.equalsIgnoreCase(host))) {
      throw new BadMessage(Reason.HOST);
    }
    String rest = raw.substring(end);
    return rest.startsWith("/") ? rest : "/" + rest;
  }

  private static int authorityOf(String raw) {
    if (raw.regionMatches(true, 0, "http://", 0, 7)) {
      return 7;
    }
    return raw.regionMatches(true, 0, "https://", 0, 8) ? 8 : -1;
  }
}
