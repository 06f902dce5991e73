package luki.wire;

import java.net.ConnectException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.net.http.HttpConnectTimeoutException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The addresses of one name. One question is on its way at a time, and however long its answer
 * takes, whoever waits for it does so within a limit.
 */
final class Addresses {
  private final String host;
  private final Resolver resolver;
  private final AtomicReference<@Nullable CompletableFuture<List<InetAddress>>> question =
      new AtomicReference<>();
  private volatile @Nullable List<InetAddress> known;

  Addresses(String host, Resolver resolver) {
    this.host = host;
    this.resolver = resolver;
  }

  /**
   * Those that were found last, or now if none were.
   *
   * @throws ConnectException the name has none
   * @throws HttpConnectTimeoutException no answer within so many nanoseconds
   */
  List<InetAddress> within(long nanos)
      throws ConnectException, HttpConnectTimeoutException, InterruptedException {
    List<InetAddress> found = known;
    if (found != null) {
      return found;
    }
    try {
      return ask().get(nanos, TimeUnit.NANOSECONDS);
    } catch (TimeoutException late) {
      throw new HttpConnectTimeoutException("no address in time");
    } catch (ExecutionException unknown) {
      ConnectException failed = new ConnectException("no address");
      failed.initCause(unknown.getCause());
      throw failed;
    }
  }

  /** Looks a known name up again; while that fails, what was known serves on. */
  void refresh() {
    if (known != null) {
      var _ = ask();
    }
  }

  /** Whether the name still has it, as far as is known. */
  boolean has(InetAddress address) {
    List<InetAddress> found = known;
    return found == null || found.contains(address);
  }

  private CompletableFuture<List<InetAddress>> ask() {
    CompletableFuture<List<InetAddress>> mine = new CompletableFuture<>();
    CompletableFuture<List<InetAddress>> other = question.compareAndExchange(null, mine);
    if (other != null) {
      return other;
    }
    // The system's look-up blocks in native code, where it would hold a virtual thread's carrier.
    Thread.ofPlatform().daemon().name("wire-names").start(() -> lookUp(mine));
    return mine;
  }

  private void lookUp(CompletableFuture<List<InetAddress>> answer) {
    try {
      List<InetAddress> found = resolver.resolve(host);
      known = found;
      answer.complete(found);
    } catch (UnknownHostException | RuntimeException unknown) {
      answer.completeExceptionally(unknown);
    } finally {
      question.set(null);
    }
  }
}
