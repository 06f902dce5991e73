package luki.gateway.http;

import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a limited number of entries. When it is full it drops what has expired and then an eighth
 * of the rest: a cache that is emptied at once would have to be filled at once.
 */
public final class BoundedCache<K, V> {
  private final Map<K, V> map = new ConcurrentHashMap<>();
  private final int most;
  private final Predicate<V> isOver;

  /** An entry that {@code isOver} is of no more use. */
  public BoundedCache(int most, Predicate<V> isOver) {
    this.most = most;
    this.isOver = isOver;
  }

  public @Nullable V get(K key) {
    return map.get(key);
  }

  public void put(K key, V value) {
    if (map.size() >= most && !map.containsKey(key)) {
      makeRoom();
    }
    map.put(key, value);
  }

  public void remove(K key) {
    map.remove(key);
  }

  /** Removes the entries with such a key. */
  public void removeIf(Predicate<K> matches) {
    map.keySet().removeIf(matches);
  }

  private void makeRoom() {
    map.values().removeIf(isOver);
    Iterator<V> some = map.values().iterator();
    for (int left = map.size(); left > most - most / 8 && some.hasNext(); left--) {
      some.next();
      some.remove();
    }
  }

  int size() {
    return map.size();
  }
}
