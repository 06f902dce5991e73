package luki.gateway.filter;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.List;
import luki.gateway.config.Settings;
import luki.gateway.http.Request;

/**
 * The address of the client by the trusted-proxy rule: X-Forwarded-For is read from the right, as
 * long as the address before an entry is that of a trusted proxy.
 */
record ClientAddress(Settings settings) {
  private static final int NETWORK = 8;

  /** The address; of IPv6 its /64, since one client may use all of it. */
  String of(Request request) {
    String client = request.peer();
    List<String> lines = request.headers().all("X-Forwarded-For");
    if (!lines.isEmpty() && settings.trusts(client)) {
      String[] hops = String.join(",", lines).split(",", -1);
      for (int i = hops.length - 1; i >= 0 && settings.trusts(client); i--) {
        String hop = hops[i].strip();
        if (!isAddress(hop)) {
          break;
        }
        client = hop;
      }
    }
    return network(client);
  }

  private static boolean isAddress(String text) {
    try {
      return InetAddress.ofLiteral(text) != null;
    } catch (IllegalArgumentException malformed) {
      return false;
    }
  }

  private static String network(String client) {
    if (!isAddress(client)) {
      return client;
    }
    InetAddress address = InetAddress.ofLiteral(client);
    return address instanceof Inet6Address
        ? Arrays.toString(Arrays.copyOf(address.getAddress(), NETWORK))
        : address.getHostAddress();
  }
}
