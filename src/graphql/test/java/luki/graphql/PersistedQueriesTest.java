package luki.graphql;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import luki.gateway.http.Sha256;
import org.junit.jupiter.api.Test;

class PersistedQueriesTest {
  private static String hash(String text) {
    return Sha256.of(text.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void keepsOnlyWhatHasTheHash() {
    PersistedQueries queries = new PersistedQueries(100);
    assertFalse(queries.put(hash("{a}"), "{b}"));
    assertNull(queries.get(hash("{a}")));
    assertTrue(queries.put(hash("{a}"), "{a}"));
    assertEquals("{a}", queries.get(hash("{a}")));
  }

  @Test
  void dropsWhatWasNotUsedForLongest() {
    PersistedQueries queries = new PersistedQueries(10);
    for (String document : new String[] {"{aa}", "{bb}"}) {
      assertTrue(queries.put(hash(document), document));
    }
    assertEquals("{aa}", queries.get(hash("{aa}")));
    assertTrue(queries.put(hash("{cc}"), "{cc}"));
    assertNull(queries.get(hash("{bb}")));
    assertEquals("{aa}", queries.get(hash("{aa}")));
    String long_ = "{ too_long_for_the_store }";
    assertTrue(queries.put(hash(long_), long_));
    assertNull(queries.get(hash(long_)));
    assertEquals("{cc}", queries.get(hash("{cc}")));
  }
}
