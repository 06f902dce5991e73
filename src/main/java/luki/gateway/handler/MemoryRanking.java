package luki.gateway.handler;

import java.io.IOException;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import luki.gateway.http.UserId;
import luki.gateway.json.Json;
import luki.gateway.upstream.LongList;
import luki.http1.ByteBudget;

/**
 * Keeps the best entries of a reply of the memory service: by score, then the newest, then by id.
 * Entries of other users are counted and dropped.
 */
final class MemoryRanking implements LongList.Receiver {
  private static final Comparator<Ranked> BEST_FIRST =
      Comparator.comparingLong(Ranked::score)
          .reversed()
          .thenComparing(Ranked::created, Comparator.reverseOrder())
          .thenComparing(Ranked::id);

  private static final Pattern WORD = Pattern.compile("[\\p{L}\\p{M}\\p{N}]+");

  private final UserId user;
  private final Score score;
  private final int most;
  private final ByteBudget.Lease memory;
  private final PriorityQueue<Ranked> worstFirst = new PriorityQueue<>(BEST_FIRST.reversed());
  private int own;
  private int foreign;

  /** How good an entry is; {@code position} counts the user's entries in the reply. */
  @FunctionalInterface
  interface Score {
    long of(Json entry, int position);
  }

  private record Ranked(Json entry, long score, Instant created, String id, long memory) {}

  MemoryRanking(UserId user, Score score, int most, ByteBudget.Lease memory) {
    this.user = user;
    this.score = score;
    this.most = most;
    this.memory = memory;
  }

  /** How many words of the query are in the text. */
  static Score byWordsOf(String query) {
    Set<String> asked = words(query).collect(Collectors.toSet());
    return (entry, _) ->
        words(entry.at("content").string("")).filter(asked::contains).distinct().count();
  }

  private static Stream<String> words(String text) {
    return WORD.matcher(text.toLowerCase(Locale.ROOT)).results().map(MatchResult::group);
  }

  @Override
  public void begin() {
    worstFirst.forEach(entry -> memory.give(entry.memory()));
    worstFirst.clear();
    own = 0;
    foreign = 0;
  }

  @Override
  public void item(Json entry, long size) throws IOException {
    if (!ownerOf(entry).equals(user.value())) {
      foreign++;
      return;
    }
    Instant created = ServiceText.parse(entry.at("created_at").string("")).orElse(Instant.MIN);
    Ranked ranked = new Ranked(entry, score.of(entry, own++), created, idOf(entry), size);
    if (worstFirst.size() == most && BEST_FIRST.compare(ranked, worstFirst.element()) >= 0) {
      return;
    }
    memory.take(size);
    worstFirst.add(ranked);
    if (worstFirst.size() > most) {
      memory.give(worstFirst.remove().memory());
    }
  }

  List<Json> best() {
    return worstFirst.stream().sorted(BEST_FIRST).map(Ranked::entry).toList();
  }

  int own() {
    return own;
  }

  int foreign() {
    return foreign;
  }

  static String idOf(Json entry) {
    return entry.at("chunk_id").string("");
  }

  private static String ownerOf(Json entry) {
    String named = entry.at("metadata").at("user_id").string();
    return named != null ? named : UserId.ownerOf(idOf(entry));
  }
}
