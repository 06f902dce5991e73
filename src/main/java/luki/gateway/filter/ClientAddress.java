package luki.gateway.filter;

import java.net.InetAddress;
import java.util.Arrays;
import java.util.List;
import luki.gateway.config.Cidr;
import luki.gateway.config.Settings;
import luki.gateway.http.Request;
import org.jspecify.annotations.Nullable;

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
        String hop = canonical(hops[i].strip());
        if (hop == null) {
          break;
        }
        client = hop;
      }
    }
    return client.indexOf(':') < 0 ? client : network(client);
  }

  private static @Nullable String canonical(String entry) {
    String address = Cidr.withoutPort(entry);
    try {
      return address == null ? null : InetAddress.ofLiteral(address).getHostAddress();
    } catch (IllegalArgumentException malformed) {
      return null;
    }
  }

  private static String network(String address) {
    byte[] octets = InetAddress.ofLiteral(address).getAddress();
    return Arrays.toString(Arrays.copyOf(octets, NETWORK));
  }
}
