package luki.gateway.webhook;

import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import luki.gateway.config.Cidr;
import org.jspecify.annotations.Nullable;

/**
 * The addresses that a receiver may have: those that IANA's registries of special-purpose addresses
 * leave as globally reachable. So callers cannot make the gateway call into its own network.
 */
public final class PublicAddresses {
  private static final int MAX_URL = 2048;

  private static final List<Cidr> NOT_V4 =
      blocks(
          "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12"
              + " 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15"
              + " 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4"
              // Public by its number, but a cloud's own service for its machines.
              + " 168.63.129.16/32");

  /** Outside it are loopback, mapped and NAT64 addresses, and local and link-local ones. */
  private static final List<Cidr> V6 = blocks("2000::/3");

  /** Teredo and other assignments for protocols, documentation, 6to4. */
  private static final List<Cidr> NOT_V6 = blocks("2001::/23 2001:db8::/32 2002::/16 3fff::/20");

  // RFC 5214 §6.1: an address whose last half begins so leads to the IPv4 address in its end.
  private static final byte[][] ISATAP = {{0, 0, 0x5e, (byte) 0xfe}, {2, 0, 0x5e, (byte) 0xfe}};

  private PublicAddresses() {}

  private static List<Cidr> blocks(String text) {
    return Arrays.stream(text.split(" ", -1)).map(one -> Cidr.parse(one).orElseThrow()).toList();
  }

  /** The rule for connections; in dev the receiver may also be on this machine. */
  public static Predicate<InetAddress> rule(boolean dev) {
    return address -> contains(address) || (dev && address.isLoopbackAddress());
  }

  static boolean contains(InetAddress address) {
    byte[] bytes = address.getAddress();
    if (bytes.length == 4) {
      return !isIn(NOT_V4, address);
    }
    return isIn(V6, address)
        && !isIn(NOT_V6, address)
        && Arrays.stream(ISATAP).noneMatch(mark -> Arrays.equals(bytes, 8, 12, mark, 0, 4));
  }

  private static boolean isIn(List<Cidr> blocks, InetAddress address) {
    return blocks.stream().anyMatch(block -> block.contains(address));
  }

  /** The address of a receiver; null where it can be none. A name is not looked up here. */
  static @Nullable URI parse(String text, boolean dev) {
    try {
      URI url = new URI(text);
      String scheme = String.valueOf(url.getScheme());
      boolean usable =
          (scheme.equals("https") || (dev && scheme.equals("http")))
              && text.length() <= MAX_URL
              && text.chars().allMatch(c -> c > 0x20 && c < 0x7f)
              && url.getHost() != null
              && url.getRawUserInfo() == null
              && url.getRawFragment() == null
              && url.getPort() <= 65535
              && url.getPort() != 0;
      return usable && mayBeCalled(url.getHost(), dev) ? url : null;
    } catch (URISyntaxException malformed) {
      return null;
    }
  }

  private static boolean mayBeCalled(String host, boolean dev) {
    try {
      return rule(dev).test(InetAddress.ofLiteral(host.replaceAll("[\\[\\]]", "")));
    } catch (IllegalArgumentException name) {
      // What a name resolves to is checked at each connection.
      return !host.startsWith("[");
    }
  }
}
