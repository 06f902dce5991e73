package luki.wire;

import java.net.ConnectException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.net.http.HttpConnectTimeoutException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The addresses of one name. At most one look-up runs at a time, and callers wait for it with a
 * limit, however long it takes.
 */
final class Addresses {
  private final String host;
  private final Resolver resolver;
  private final AtomicReference<@Nullable CompletableFuture<List<InetAddress>>> lookUp =
      new AtomicReference<>();
  private volatile @Nullable List<InetAddress> known;

  /** Looks names up. */
  @FunctionalInterface
  interface Resolver {
    /** At least one address, the preferred first. */
    List<InetAddress> resolve(String host) throws UnknownHostException;

    /** The system's, whose answers the JDK caches for {@code networkaddress.cache.ttl}. */
    static Resolver ofSystem() {
      return host -> List.of(InetAddress.getAllByName(host));
    }

    /** The same without the addresses that are not allowed; a name with no other has none. */
    default Resolver only(Predicate<InetAddress> allowed) {
      return host -> {
        List<InetAddress> found = resolve(host).stream().filter(allowed).toList();
        if (found.isEmpty()) {
          throw new UnknownHostException("no allowed address");
        }
        return found;
      };
    }

    /** The same with a bound on look-ups at once, whoever makes them; beyond it they fail. */
    default Resolver within(Semaphore lookUps) {
      return host -> {
        if (!lookUps.tryAcquire()) {
          throw new UnknownHostException("too many look-ups");
        }
        try {
          return resolve(host);
        } finally {
          lookUps.release();
        }
      };
    }
  }

  Addresses(String host, Resolver resolver) {
    this.host = host;
    this.resolver = resolver;
  }

  /**
   * The addresses found last; the first call looks them up.
   *
   * @throws ConnectException the name has none
   * @throws HttpConnectTimeoutException the look-up took longer than that
   */
  List<InetAddress> within(long nanos)
      throws ConnectException, HttpConnectTimeoutException, InterruptedException {
    List<InetAddress> found = known;
    if (found != null) {
      return found;
    }
    try {
      return startLookUp().get(nanos, TimeUnit.NANOSECONDS);
    } catch (TimeoutException late) {
      throw new HttpConnectTimeoutException("no address in time");
    } catch (ExecutionException unknown) {
      ConnectException failed = new ConnectException("no address");
      failed.initCause(unknown.getCause());
      throw failed;
    }
  }

  /** Looks a known name up again; if that fails, the known addresses stay in use. */
  void refresh() {
    if (known != null) {
      var _ = startLookUp();
    }
  }

  /** Whether the name still has the address, as far as is known. */
  boolean contains(InetAddress address) {
    List<InetAddress> found = known;
    return found == null || found.contains(address);
  }

  private CompletableFuture<List<InetAddress>> startLookUp() {
    CompletableFuture<List<InetAddress>> mine = new CompletableFuture<>();
    CompletableFuture<List<InetAddress>> running = lookUp.compareAndExchange(null, mine);
    if (running != null) {
      return running;
    }
    // The system's look-up blocks in native code, where it would pin a virtual thread's carrier.
    Thread.ofPlatform().daemon().name("wire-names").start(() -> run(mine));
    return mine;
  }

  private void run(CompletableFuture<List<InetAddress>> answer) {
    try {
      List<InetAddress> found = resolver.resolve(host);
      known = found;
      answer.complete(found);
    } catch (UnknownHostException | RuntimeException unknown) {
      answer.completeExceptionally(unknown);
    } finally {
      lookUp.set(null);
    }
  }
}
