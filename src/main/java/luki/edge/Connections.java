package luki.edge;

import java.net.InetAddress;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** The open connections and their limits. */
final class Connections {
  private final int most;
  private final int mostPerAddress;
  private final Semaphore room;
  private final Set<Connection> open = ConcurrentHashMap.newKeySet();
  private final Map<InetAddress, Integer> perAddress = new ConcurrentHashMap<>();
  private volatile boolean stopping;

  Connections(EdgeLimits limits) {
    this.most = limits.connections();
    this.mostPerAddress = limits.connectionsPerAddress();
    this.room = new Semaphore(most);
  }

  /** Waits until one more is allowed; then one must be added, or the permit released. */
  void awaitRoom() throws InterruptedException {
    room.acquire();
  }

  void giveRoomBack() {
    room.release();
  }

  /** Counts a connection of the address; false when it has the maximum. */
  boolean admits(InetAddress address) {
    if (mostPerAddress == 0 || perAddress.merge(address, 1, Integer::sum) <= mostPerAddress) {
      return true;
    }
    forget(address);
    return false;
  }

  private void forget(InetAddress address) {
    perAddress.computeIfPresent(address, (_, count) -> count > 1 ? count - 1 : null);
  }

  void add(Connection connection) {
    open.add(connection);
  }

  void remove(Connection connection, InetAddress address) {
    if (open.remove(connection)) {
      if (mostPerAddress > 0) {
        forget(address);
      }
      room.release();
    }
  }

  void forEach(Consumer<Connection> action) {
    open.forEach(action);
  }

  int size() {
    return open.size();
  }

  /** From now on no connection serves a further request. */
  void beginStop() {
    stopping = true;
  }

  boolean isStopping() {
    return stopping;
  }

  /** Waits until all are closed, within the limit. No connection is admitted afterwards. */
  void awaitNone(Duration longest) throws InterruptedException {
    boolean _ = room.tryAcquire(most, longest.toNanos(), TimeUnit.NANOSECONDS);
  }
}
