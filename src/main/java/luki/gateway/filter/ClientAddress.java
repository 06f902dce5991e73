package luki.gateway.filter;

import java.net.InetAddress;
import java.util.Arrays;
import java.util.List;
import luki.gateway.config.Settings;
import luki.gateway.http.Request;
import luki.http1.Grammar;
import org.jspecify.annotations.Nullable;

/**
 * The address of the client by the trusted-proxy rule: X-Forwarded-For is read from the right, as
 * long as the address before an entry is that of a trusted proxy.
 */
record ClientAddress(Settings settings) {
  private static final int NETWORK = 8;
  private static final int PORT_DIGITS = 5;

  /** The address; of IPv6 its /64, since one client may use all of it. */
  String of(Request request) {
    String client = request.peer();
    List<String> lines = request.headers().all("X-Forwarded-For");
    if (!lines.isEmpty() && settings.trusts(client)) {
      String[] hops = String.join(",", lines).split(",", -1);
      for (int i = hops.length - 1; i >= 0 && settings.trusts(client); i--) {
        String hop = canonical(hops[i].strip());
        if (hop == null) {
          break;
        }
        client = hop;
      }
    }
    return client.indexOf(':') < 0 ? client : network(client);
  }

  /** An entry may have a port, an IPv6 address brackets (RFC 7239 §6); neither counts. */
  private static @Nullable String canonical(String entry) {
    int colon = entry.lastIndexOf(':');
    boolean hasPort = colon > 0 && (entry.indexOf(':') == colon || entry.charAt(colon - 1) == ']');
    if (hasPort && !Grammar.isDigits(entry.substring(colon + 1), PORT_DIGITS)) {
      return null;
    }
    try {
      return InetAddress.ofLiteral(hasPort ? entry.substring(0, colon) : entry).getHostAddress();
    } catch (IllegalArgumentException malformed) {
      return null;
    }
  }

  private static String network(String address) {
    byte[] octets = InetAddress.ofLiteral(address).getAddress();
    return Arrays.toString(Arrays.copyOf(octets, NETWORK));
  }
}
