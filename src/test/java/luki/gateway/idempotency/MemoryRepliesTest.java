package luki.gateway.idempotency;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import luki.gateway.idempotency.ReplyStore.Claim;
import luki.gateway.idempotency.ReplyStore.Entry;
import luki.gateway.testing.TestClock;
import luki.http1.ByteBudget;
import org.junit.jupiter.api.Test;

/** Replies in memory are kept for a day within a part of the budget; the oldest are dropped. */
class MemoryRepliesTest {
  private static final long BUDGET = 8_000_000;
  private static final int REPLY = 10_000;

  private final ByteBudget memory = new ByteBudget(BUDGET);
  private final TestClock clock = new TestClock(Instant.EPOCH);
  private final MemoryReplies replies = new MemoryReplies(memory, BUDGET, clock);

  private static Entry entry(String caller, int n) {
    return new Entry(caller, caller + n, "request", "attempt");
  }

  private void keep(Entry entry, int bytes) {
    assertInstanceOf(Claim.First.class, replies.claim(entry));
    replies.keep(entry, new byte[bytes]);
  }

  @Test
  void aReplyIsKeptForADayAndItsMemoryIsGivenBack() {
    Entry entry = entry("a", 1);
    keep(entry, REPLY);
    clock.advance(Duration.ofHours(24).minusMillis(1));
    Claim.Kept kept = assertInstanceOf(Claim.Kept.class, replies.claim(entry));
    assertEquals(REPLY, kept.sealed().length);
    assertTrue(memory.used() >= REPLY);
    clock.advance(Duration.ofMillis(1));
    assertNull(replies.find(entry));
    keep(entry("a", 2), REPLY);
    replies.close();
    assertEquals(0, memory.used());
  }

  @Test
  void ofOneCallerTheOldestAreDroppedBeforeThoseOfOthers() {
    keep(entry("b", 0), REPLY);
    int n = 100;
    for (int i = 0; i < n; i++) {
      keep(entry("a", i), REPLY);
    }
    assertNull(replies.find(entry("a", 0)));
    assertInstanceOf(Claim.Kept.class, replies.find(entry("a", n - 1)));
    assertInstanceOf(Claim.Kept.class, replies.find(entry("b", 0)));
    assertTrue(memory.used() <= BUDGET / 8 / 4 + 2 * REPLY + 64 * 1024, memory.used() + " bytes");
  }

  @Test
  void allTogetherTakeAnEighthOfTheBudgetAtMost() {
    for (int caller = 0; caller < 200; caller++) {
      keep(entry("c" + caller + "-", 0), REPLY);
    }
    assertTrue(memory.used() <= BUDGET / 8 + 64 * 1024, memory.used() + " bytes");
    assertNull(replies.find(entry("c0-", 0)));
    assertInstanceOf(Claim.Kept.class, replies.find(entry("c199-", 0)));
  }

  @Test
  void whereMessagesNeedTheMemoryNothingIsKept() throws Exception {
    keep(entry("a", 0), replies.maxBytes() + 1);
    assertNull(replies.find(entry("a", 0)));
    List<ByteBudget.Lease> messages = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      ByteBudget.Lease message = memory.lease();
      message.heldBy("caller " + i);
      message.take(BUDGET / 5 - 16 * 1024);
      messages.add(message);
    }
    while (messages.getLast().tryTake(16 * 1024)) {
      // Until nothing is left.
    }
    keep(entry("a", 1), REPLY);
    assertNull(replies.find(entry("a", 1)));
    messages.forEach(ByteBudget.Lease::close);
    keep(entry("a", 1), REPLY);
    assertInstanceOf(Claim.Kept.class, replies.find(entry("a", 1)));
  }

  @Test
  void whileARequestIsInProgressItsKeyIsTaken() {
    Entry first = entry("a", 1);
    assertInstanceOf(Claim.First.class, replies.claim(first));
    assertInstanceOf(Claim.InProgress.class, replies.claim(first));
    Entry other = new Entry("a", first.id(), "another", "attempt");
    assertInstanceOf(Claim.Mismatch.class, replies.claim(other));
    replies.free(first);
    assertInstanceOf(Claim.First.class, replies.claim(other));
    byte[] reply = {1};
    replies.keep(other, reply);
    assertSame(reply, assertInstanceOf(Claim.Kept.class, replies.claim(other)).sealed());
    assertInstanceOf(Claim.Mismatch.class, replies.claim(first));
  }
}
