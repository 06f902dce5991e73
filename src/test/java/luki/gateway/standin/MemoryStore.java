package luki.gateway.standin;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The vector store of the memory service; similarity is the number of shared words. */
final class MemoryStore {
  private static final int LIST_CAP = 1000;
  private static final String NOBODY = "anonymous_base_user";
  private static final Pattern BETWEEN_WORDS = Pattern.compile("[^\\p{L}\\p{N}]+");

  private final Map<String, StoredMemory> items = new LinkedHashMap<>();

  record StoredMemory(
      String owner,
      String id,
      String content,
      Set<String> words,
      Map<String, @Nullable Object> metadata) {
    String createdAt() {
      return String.valueOf(metadata.get("created_at"));
    }
  }

  private record Scored(StoredMemory item, long shared) {}

  /** The filter of a search; empty lists and nulls match everything. */
  record MemoryFilter(
      List<String> contentTypes,
      List<String> sensitivities,
      @Nullable LocalDateTime from,
      @Nullable LocalDateTime to) {

    boolean keeps(StoredMemory item) {
      LocalDateTime created = LocalDateTime.parse(item.createdAt());
      return keeps(contentTypes, item.metadata().get("content_type"))
          && keeps(sensitivities, item.metadata().get("sensitivity_level"))
          && (from == null || !created.isBefore(from))
          && (to == null || !created.isAfter(to));
    }

    private static boolean keeps(List<String> wanted, @Nullable Object value) {
      return wanted.isEmpty() || wanted.contains(String.valueOf(value));
    }
  }

  String now() {
    return PythonJson.zoneless(Instant.now());
  }

  /** Stores a text once and returns its id; a second call changes nothing. */
  synchronized String add(
      String owner, String content, Map<String, @Nullable Object> defaults, JsonNode given) {
    Map<String, @Nullable Object> metadata = new LinkedHashMap<>(defaults);
    given.properties().forEach(e -> metadata.put(e.getKey(), PythonJson.plain(e.getValue())));
    String id = owner + "_" + hash(content);
    metadata.put("user_id", owner);
    metadata.put("type", "elr_memory");
    metadata.put("created_at", now());
    metadata.put("chunk_id", id);
    items.putIfAbsent(id, new StoredMemory(owner, id, content, words(content), metadata));
    return id;
  }

  /** All items of the user, oldest first; limits are ignored. */
  synchronized List<StoredMemory> list(String owner, MemoryFilter filter) {
    return owned(owner).filter(filter::keeps).limit(LIST_CAP).toList();
  }

  /** Searches all users' items and then filters by user, so it may return too few. */
  synchronized List<StoredMemory> search(String owner, String query, int k, MemoryFilter filter) {
    Set<String> asked = words(query);
    List<StoredMemory> nearest =
        items.values().stream()
            .map(item -> new Scored(item, shared(asked, item)))
            .sorted(Comparator.comparingLong(Scored::shared).reversed())
            .limit(3L * k)
            .map(Scored::item)
            .toList();
    return nearest.stream()
        .filter(item -> item.owner().equals(owner) && !owner.equals(NOBODY))
        .filter(filter::keeps)
        .limit(k)
        .toList();
  }

  synchronized @Nullable StoredMemory find(String id) {
    return items.get(id);
  }

  synchronized void remove(String id) {
    items.remove(id);
  }

  synchronized int removeAll(String owner) {
    int before = items.size();
    items.values().removeIf(item -> item.owner().equals(owner));
    return before - items.size();
  }

  /** The number of items for each value of a metadata key. */
  synchronized Map<String, Integer> count(String owner, String key) {
    Map<String, Integer> counts = new TreeMap<>();
    owned(owner).forEach(i -> counts.merge(String.valueOf(i.metadata().get(key)), 1, Integer::sum));
    return counts;
  }

  private Stream<StoredMemory> owned(String owner) {
    return items.values().stream()
        .filter(item -> item.owner().equals(owner) && !owner.equals(NOBODY));
  }

  private static long shared(Set<String> asked, StoredMemory item) {
    return asked.stream().filter(item.words()::contains).count();
  }

  private static Set<String> words(String text) {
    return Set.copyOf(
        BETWEEN_WORDS.splitAsStream(text.toLowerCase(Locale.ROOT)).distinct().toList());
  }

  private static String hash(String content) {
    try {
      MessageDigest sha = MessageDigest.getInstance("SHA-256");
      byte[] digest = sha.digest(content.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest, 0, 6);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
