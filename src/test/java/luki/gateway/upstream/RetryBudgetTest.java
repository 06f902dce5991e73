package luki.gateway.upstream;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import luki.gateway.upstream.ServiceBreakers.RetryBudget;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The clock may start at any value. */
class RetryBudgetTest {
  private long now;

  private RetryBudget budget(long origin) {
    now = origin;
    return new RetryBudget(() -> now);
  }

  private static void call(RetryBudget budget, int calls) {
    for (int i = 0; i < calls; i++) {
      budget.called();
    }
  }

  private static int repeats(RetryBudget budget, int wanted) {
    int repeats = 0;
    for (int i = 0; i < wanted; i++) {
      repeats += budget.tryRepeat() ? 1 : 0;
    }
    return repeats;
  }

  @ParameterizedTest
  @ValueSource(longs = {0, -5, Long.MAX_VALUE - 5, Long.MIN_VALUE})
  void atMostATenthOfTheCallsOfTheLastTenSecondsIsRepeated(long origin) {
    RetryBudget budget = budget(origin);
    call(budget, 500);
    now += Duration.ofSeconds(9).toNanos();
    call(budget, 505);
    assertEquals(100, repeats(budget, 1000));
    now += Duration.ofSeconds(1).toNanos();
    // The first 500 are too long ago; the repeats are not.
    assertEquals(0, repeats(budget, 1000));
    now += Duration.ofSeconds(9).toNanos();
    assertEquals(10, repeats(budget, 1000));
  }

  @ParameterizedTest
  @ValueSource(longs = {0, -5, Long.MAX_VALUE - 5, Long.MIN_VALUE})
  void tenMayAlwaysBeRepeatedWithinTenSeconds(long origin) {
    RetryBudget budget = budget(origin);
    assertEquals(10, repeats(budget, 20));
    call(budget, 100);
    assertEquals(0, repeats(budget, 20));
    call(budget, 10);
    assertEquals(1, repeats(budget, 20));
    now += Duration.ofHours(1).toNanos();
    assertEquals(10, repeats(budget, 20));
  }
}
