package luki.gateway.config;

import java.net.InetAddress;
import java.util.Arrays;
import java.util.Optional;
import luki.http1.Grammar;
import org.jspecify.annotations.Nullable;

/** A block of addresses, IPv4 or IPv6. */
public final class Cidr {
  private static final int PORT_DIGITS = 5;

  private final byte[] network;
  private final int prefix;

  private Cidr(byte[] network, int prefix) {
    this.network = network;
    this.prefix = prefix;
  }

  /**
   * Reads {@code 10.0.0.0/8}, {@code fd00::/8} or a single address, whose port does not count;
   * names are never looked up.
   */
  public static Optional<Cidr> parse(String text) {
    int slash = text.indexOf('/');
    String address = slash < 0 ? withoutPort(text) : text.substring(0, slash);
    if (address == null) {
      return Optional.empty();
    }
    try {
      byte[] bytes = InetAddress.ofLiteral(address).getAddress();
      int bits = bytes.length * 8;
      int prefix = slash < 0 ? bits : Integer.parseInt(text.substring(slash + 1));
      return prefix < 0 || prefix > bits ? Optional.empty() : Optional.of(new Cidr(bytes, prefix));
    } catch (IllegalArgumentException malformed) {
      return Optional.empty();
    }
  }

  /** An address may have a port, one of IPv6 brackets (RFC 7239 §6); null for a malformed port. */
  public static @Nullable String withoutPort(String address) {
    int colon = address.lastIndexOf(':');
    boolean hasPort =
        colon > 0 && (address.indexOf(':') == colon || address.charAt(colon - 1) == ']');
    if (!hasPort) {
      return address;
    }
    return Grammar.isDigits(address.substring(colon + 1), PORT_DIGITS)
        ? address.substring(0, colon)
        : null;
  }

  /** Whether the literal address lies in the block. */
  public boolean contains(String literal) {
    try {
      return contains(InetAddress.ofLiteral(literal));
    } catch (IllegalArgumentException malformed) {
      return false;
    }
  }

  public boolean contains(InetAddress of) {
    byte[] address = of.getAddress();
    if (address.length != network.length) {
      return false;
    }
    int whole = prefix / 8;
    int rest = prefix % 8;
    return Arrays.equals(address, 0, whole, network, 0, whole)
        && (rest == 0 || (address[whole] ^ network[whole]) >> (8 - rest) == 0);
  }

  /** The block is the whole of its address family. */
  boolean isEverything() {
    return prefix == 0;
  }
}
