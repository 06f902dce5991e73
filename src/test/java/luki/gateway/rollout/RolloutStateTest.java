package luki.gateway.rollout;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import luki.gateway.http.UpstreamVersion;
import luki.gateway.rollout.RolloutState.Cause;
import luki.gateway.rollout.RolloutState.Share;
import org.junit.jupiter.api.Test;

class RolloutStateTest {
  private static final List<UpstreamVersion> VERSIONS =
      List.of(new UpstreamVersion("blue"), new UpstreamVersion("canary"));

  private static RolloutState with(RolloutState before, UpstreamVersion version, int percent) {
    Map<UpstreamVersion, Share> change = Map.of(version, new Share(percent, 0));
    return before.with(change, Cause.SET, "tester", Instant.EPOCH);
  }

  private static List<UpstreamVersion> callers(RolloutState state) {
    List<UpstreamVersion> callers = new ArrayList<>();
    for (int number = 0; number < 100; number++) {
      callers.add(state.at(number));
    }
    return callers;
  }

  /** Whatever is done in whatever order: a caller only ever leaves the version that shrinks. */
  @Test
  void aChangeMovesCallersOnlyToOrFromTheVersionThatChanges() throws Exception {
    Random random = new Random(1);
    RolloutState state = RolloutState.NONE;
    for (int i = 0; i < 2000; i++) {
      UpstreamVersion changed = VERSIONS.get(random.nextInt(2));
      int free = state.stable() + state.of(changed).percent();
      int percent = random.nextInt(free + 1) * random.nextInt(2);
      RolloutState next = with(state, changed, percent);
      List<UpstreamVersion> before = callers(state);
      List<UpstreamVersion> after = callers(next);
      assertEquals(percent, after.stream().filter(changed::equals).count());
      boolean grows = percent >= state.of(changed).percent();
      for (int number = 0; number < 100; number++) {
        if (!before.get(number).equals(after.get(number))) {
          UpstreamVersion from = grows ? UpstreamVersion.STABLE : changed;
          assertEquals(from, before.get(number), next.toString());
        }
      }
      assertEquals(next, RolloutState.of(next.toJson()));
      state = next;
    }
  }

  @Test
  void moreThanAllCallersOrAThirdVersionIsRefused() {
    RolloutState both = with(with(RolloutState.NONE, VERSIONS.get(0), 60), VERSIONS.get(1), 40);
    assertEquals(0, both.stable());
    assertThrows(IllegalArgumentException.class, () -> with(both, VERSIONS.get(1), 41));
    RolloutState two = with(both, VERSIONS.get(0), 1);
    UpstreamVersion third = new UpstreamVersion("green");
    assertThrows(IllegalArgumentException.class, () -> with(two, third, 1));
    assertTrue(with(with(two, VERSIONS.get(0), 0), third, 1).stable() > 0);
  }
}
