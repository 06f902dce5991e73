package luki.wire;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;

/** Names to addresses. */
@FunctionalInterface
interface Resolver {
  /** At least one, the preferred first. */
  List<InetAddress> resolve(String host) throws UnknownHostException;

  /** By the system, whose answers the JDK keeps for as long as its own setting says. */
  static Resolver ofSystem() {
    return host -> List.of(InetAddress.getAllByName(host));
  }
}
