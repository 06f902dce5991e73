package luki.gateway.webhook;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import luki.gateway.delivery.Outbox;
import luki.gateway.delivery.Outbox.Change;
import luki.gateway.delivery.OutboxReader;
import luki.gateway.http.ApiError;
import luki.gateway.http.ApiException;
import luki.gateway.http.ErrorCode;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.keys.Sealer;
import org.jspecify.annotations.Nullable;

/**
 * The webhooks and jobs of this process, by their ids. Each change is a line of an outbox with the
 * whole state of one of them, encrypted, from which a start makes them again. Changes and their
 * lines have the same order.
 */
final class Registry implements AutoCloseable {
  private static final long SEGMENT_BYTES = 32L << 20;
  private static final int DISK_SECONDS = 5;

  private final Sealer sealer;
  private final Outbox outbox;
  // The oldest first.
  private final Map<String, Json> entries = new LinkedHashMap<>();
  // Those of the entries that are open jobs.
  private final Map<String, Json> openJobs = new LinkedHashMap<>();
  // By the id; the queue of the log bounds them.
  private final Map<String, Unwritten> unwritten = new HashMap<>();

  /** The latest change of an entry that is not on the disk yet, and what the entry was before. */
  private record Unwritten(Json before, CompletableFuture<Void> written) {}

  /**
   * Reads what was stored.
   *
   * @throws IllegalStateException it was written with another key
   */
  Registry(Path name, Sealer sealer) throws IOException {
    this.sealer = sealer;
    this.outbox = new Outbox(name, SEGMENT_BYTES, this::live);
    try (OutboxReader reader = OutboxReader.fromStart(outbox.segments())) {
      for (byte[] line = reader.next(); line != null; line = reader.next()) {
        replay(line);
      }
    } catch (IOException | RuntimeException failed) {
      outbox.close();
      throw failed;
    }
  }

  private void replay(byte[] text) {
    try {
      Json line = Json.parse(text);
      String id = line.at("id").string("");
      String sealed = line.at("sealed").string();
      put(
          id,
          sealed == null ? null : Json.parse(sealer.open(Base64.getDecoder().decode(sealed), id)));
    } catch (InvalidJson torn) {
      // A crash left it unfinished, so nobody has relied on it.
    }
  }

  private void put(String id, @Nullable Json entry) {
    if (entry == null) {
      entries.remove(id);
    } else {
      entries.put(id, entry);
    }
    if (entry != null && Job.isOpen(entry)) {
      openJobs.put(id, entry);
    } else {
      openJobs.remove(id);
    }
  }

  private byte[] line(String id, @Nullable Json entry) {
    Json.Builder line = Json.object().put("id", id);
    if (entry != null) {
      line.put("sealed", Base64.getEncoder().encodeToString(sealer.seal(entry.bytes(), id)));
    }
    return (line.build() + "\n").getBytes(StandardCharsets.UTF_8);
  }

  private synchronized List<byte[]> live() {
    return entries.entrySet().stream().map(each -> line(each.getKey(), each.getValue())).toList();
  }

  /** Waits until a change is on the disk: before that nobody may rely on it. */
  static void await(CompletableFuture<Void> change) throws InterruptedException {
    try {
      change.get(DISK_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException | ExecutionException notWritten) {
      throw new ApiException(ApiError.retrySoon(ErrorCode.OVERLOADED));
    }
  }

  synchronized Json find(String id) {
    return entries.getOrDefault(id, Json.MISSING);
  }

  /** Another caller's is not found either. */
  Json find(String id, String owner) {
    Json found = find(id);
    if (!found.at("owner").string("").equals(owner)) {
      throw new ApiException(ApiError.of(ErrorCode.NOT_FOUND));
    }
    return found;
  }

  /** The jobs that are open, the oldest first. */
  synchronized List<Job> openJobs() {
    return openJobs.values().stream().map(Job::new).toList();
  }

  /** Whether the last change of it is on the disk, as far as is known. */
  synchronized boolean isWritten(String id) {
    return !unwritten.containsKey(id);
  }

  synchronized List<Json> all(Predicate<Json> wanted) {
    return entries.values().stream().filter(wanted).toList();
  }

  /**
   * Adds one.
   *
   * @param limit why there may be no more beside those that are there, or null
   */
  synchronized CompletableFuture<Void> add(
      String id, Json entry, Function<Collection<Json>, @Nullable ApiError> limit) {
    ApiError refusal = limit.apply(entries.values());
    if (refusal != null) {
      throw new ApiException(refusal);
    }
    return take(id, entry, Change.STATE);
  }

  /** Changes one if it is there. */
  synchronized CompletableFuture<Void> change(String id, UnaryOperator<Json> change) {
    Json before = entries.get(id);
    return before == null
        ? CompletableFuture.completedFuture(null)
        : take(id, change.apply(before), Change.STATE);
  }

  /**
   * Removes one.
   *
   * @param everywhere its earlier states too are to leave the disk
   */
  synchronized CompletableFuture<Void> remove(String id, boolean everywhere) {
    return entries.containsKey(id)
        ? take(id, null, everywhere ? Change.ERASURE : Change.REMOVAL)
        : CompletableFuture.completedFuture(null);
  }

  /** Removes one of a caller everywhere; a repeat waits for the same, until that is on the disk. */
  synchronized CompletableFuture<Void> erase(String id, String owner) {
    Unwritten last = unwritten.get(id);
    if (last != null
        && !entries.containsKey(id)
        && owner.equals(last.before.at("owner").string())) {
      return last.written;
    }
    find(id, owner);
    return remove(id, true);
  }

  /** In memory once the log has taken it; else nothing is changed. */
  private CompletableFuture<Void> take(String id, @Nullable Json entry, Change change) {
    CompletableFuture<Void> written = outbox.appendDurably(line(id, entry), change);
    if (written.isCompletedExceptionally()) {
      return written;
    }
    Unwritten latest = new Unwritten(entries.getOrDefault(id, Json.MISSING), written);
    put(id, entry);
    unwritten.put(id, latest);
    return written.thenRun(() -> written(id, latest));
  }

  private synchronized void written(String id, Unwritten change) {
    unwritten.remove(id, change);
  }

  @Override
  public void close() {
    outbox.close();
  }
}
