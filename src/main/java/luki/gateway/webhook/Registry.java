package luki.gateway.webhook;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import luki.gateway.config.OwnerOnly;
import luki.gateway.http.ApiError;
import luki.gateway.http.ApiException;
import luki.gateway.http.ErrorCode;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.keys.Sealer;
import luki.gateway.observe.Diagnostics;
import luki.gateway.observe.FailureLog;

/**
 * The webhooks and jobs of this process, by their ids. The whole state of each is a file,
 * encrypted, which a change replaces. A change is in force once it is on the disk; one that cannot
 * be written never is.
 */
final class Registry {
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  final Results results;
  private final Path directory;
  private final Sealer sealer;
  private final FileChannel lock;
  // The oldest first.
  private final Map<String, Json> entries = new LinkedHashMap<>();
  // Those of the entries that are open jobs.
  private final Map<String, Json> openJobs = new LinkedHashMap<>();
  // One platform thread: changes have an order, and a slow disk blocks no carrier.
  private final ExecutorService disk =
      Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().name("webhooks").factory());
  private final FailureLog failures =
      new FailureLog("webhooks", "states cannot be written", "states can be written again");

  /**
   * Reads what was stored.
   *
   * @throws IllegalStateException it was written with another key
   */
  Registry(Path name, Sealer sealer, SecureRandom random) throws IOException {
    this.directory = name.resolveSibling(name.getFileName() + ".states");
    this.results =
        new Results(name.resolveSibling(name.getFileName() + ".results"), sealer, random);
    this.sealer = sealer;
    OwnerOnly.directory(results.directory());
    OwnerOnly.directory(directory);
    this.lock = OwnerOnly.lock(directory.resolve("lock"), name);
    try (Stream<Path> files = Files.list(directory)) {
      List<Json> stored = new ArrayList<>();
      for (Path file : files.toList()) {
        String id = file.getFileName().toString();
        if (id.endsWith(OwnerOnly.NEXT)) {
          // A crash left it unfinished, so nobody has relied on it.
          Files.delete(file);
        } else if (id.startsWith(Webhook.PREFIX) || id.startsWith(Job.PREFIX)) {
          stored.add(Json.parse(sealer.open(Files.readAllBytes(file), id)));
        }
      }
      stored.sort(Comparator.comparing(each -> Instant.parse(each.at("created_at").string(""))));
      stored.forEach(each -> put(each.at("id").string(each.at("job_id").string("")), each));
    } catch (InvalidJson cannotBe) {
      throw new IllegalStateException(cannotBe);
    } catch (IOException | IllegalStateException failed) {
      lock.close();
      throw failed;
    }
  }

  /** In memory alone: after a crash it is to be put there again. */
  synchronized void put(String id, Json entry) {
    Json _ = entries.compute(id, (_, _) -> entry.isMissing() ? null : entry);
    Json _ = openJobs.compute(id, (_, _) -> Job.isOpen(entry) ? entry : null);
  }

  synchronized Json find(String id) {
    return entries.getOrDefault(id, Json.MISSING);
  }

  /** Another caller's is not found either. */
  static Json owned(Json found, String owner) {
    if (!found.at("owner").string("").equals(owner)) {
      throw new ApiException(ApiError.of(ErrorCode.NOT_FOUND));
    }
    return found;
  }

  Job job(String id) {
    return new Job(find(id));
  }

  /** The jobs that are open, the oldest first. */
  synchronized List<Job> openJobs() {
    return openJobs.values().stream().map(Job::new).toList();
  }

  synchronized List<Json> all(Predicate<Json> wanted) {
    return entries.values().stream().filter(wanted).toList();
  }

  /**
   * Adds, changes or removes one.
   *
   * @param change from what is there, to what is to be there; either may be missing
   * @return what is there then
   * @throws ApiException from the change, or since the disk fails or the process ends: nothing has
   *     changed
   */
  Json change(String id, UnaryOperator<Json> change) {
    // Set by the thread that begins to write, or by the caller whose patience is over: the first of
    // the two decides whether there is a change.
    AtomicBoolean decided = new AtomicBoolean();
    try {
      CompletableFuture<Json> changed =
          CompletableFuture.supplyAsync(
              () -> decided.getAndSet(true) ? Json.MISSING : changed(id, change), disk);
      try {
        return changed.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
      } catch (TimeoutException | InterruptedException impatient) {
        if (impatient instanceof InterruptedException) {
          Thread.currentThread().interrupt();
        }
        if (decided.getAndSet(true)) {
          return changed.join();
        }
        throw new ApiException(ApiError.retrySoon(ErrorCode.OVERLOADED));
      }
    } catch (CompletionException | ExecutionException failed) {
      throw failed.getCause() instanceof ApiException refusal
          ? refusal
          : new IllegalStateException(failed.getCause());
    } catch (RejectedExecutionException closed) {
      throw new ApiException(ApiError.retrySoon(ErrorCode.DRAINING));
    }
  }

  private Json changed(String id, UnaryOperator<Json> change) {
    Json before = find(id);
    Json after = change.apply(before);
    if (after.equals(before)) {
      return after;
    }
    try {
      Path file = directory.resolve(id);
      if (after.isMissing()) {
        Files.deleteIfExists(file);
      } else {
        OwnerOnly.replace(file, sealer.seal(after.bytes(), id));
      }
      OwnerOnly.force(directory);
    } catch (IOException unwritable) {
      failures.failed(Diagnostics.Field.reason(unwritable));
      throw new ApiException(ApiError.retrySoon(ErrorCode.OVERLOADED));
    }
    put(id, after);
    failures.succeeded();
    return after;
  }

  /** The same for what has happened already: while the disk fails, again and again. */
  void changeEventually(String id, UnaryOperator<Json> change) {
    while (!disk.isShutdown()) {
      try {
        Json _ = change(id, change);
        return;
      } catch (ApiException unwritable) {
        if (Thread.currentThread().isInterrupted()) {
          return;
        }
        LockSupport.parkNanos(this, PATIENCE.toNanos());
      }
    }
  }

  /** Writes what is left. */
  void close() throws InterruptedException {
    disk.shutdown();
    boolean _ = disk.awaitTermination(5, TimeUnit.SECONDS);
    try {
      lock.close();
    } catch (IOException gone) {
      // The process ends: there is no better way to release it.
    }
  }
}
