package luki.gateway.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class BoundedCacheTest {
  @Test
  void expiredEntriesAreEvictedFirst() {
    BoundedCache<Integer, Integer> cache = new BoundedCache<>(100, value -> value < 0);
    for (int i = 0; i < 100; i++) {
      cache.put(i, i < 60 ? -1 : i);
    }
    cache.put(100, 100);
    assertEquals(41, cache.size());
    for (int i = 60; i <= 100; i++) {
      assertEquals(i, cache.get(i));
    }
    assertNull(cache.get(0));
  }

  @Test
  void neverExceedsItsCapacityNorEvictsEverything() {
    BoundedCache<Integer, Integer> cache = new BoundedCache<>(100, _ -> false);
    for (int i = 0; i < 10_000; i++) {
      cache.put(i, i);
      assertTrue(cache.size() <= 100);
      assertTrue(i < 100 || cache.size() >= 80, "only " + cache.size() + " left");
    }
  }
}
