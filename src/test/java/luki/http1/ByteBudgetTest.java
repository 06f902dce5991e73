package luki.http1;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class ByteBudgetTest {
  private static final int MB = 1024 * 1024;

  private final ByteBudget budget = new ByteBudget(16 * MB);

  private ByteBudget.Lease leaseOf(String caller) {
    ByteBudget.Lease lease = budget.lease();
    lease.heldBy(caller);
    return lease;
  }

  @Test
  void oneCallerHasAQuarterInAllItsLeases() {
    try (ByteBudget.Lease one = leaseOf("a");
        ByteBudget.Lease two = leaseOf("a");
        ByteBudget.Lease other = leaseOf("b")) {
      assertTrue(one.tryTake(3 * MB));
      assertFalse(two.tryTake(2 * MB));
      assertTrue(other.tryTake(3 * MB));
      one.give(3 * MB);
      assertTrue(two.tryTake(2 * MB));
    }
    assertEquals(0, budget.used());
  }

  @Test
  void headsHaveAHalf() {
    List<ByteBudget.Lease> leases = new ArrayList<>();
    for (ByteBudget.Lease next = budget.headLease();
        next.tryTake(1000);
        next = budget.headLease()) {
      leases.add(next);
    }
    assertEquals(8 * MB, budget.used());
    try (ByteBudget.Lease caller = leaseOf("a")) {
      assertTrue(caller.tryTake(MB));
    }
    leases.forEach(ByteBudget.Lease::close);
    assertEquals(0, budget.used());
  }

  @Test
  void allCallersTogetherHaveTheWhole() {
    List<ByteBudget.Lease> leases = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      ByteBudget.Lease lease = leaseOf("caller " + i);
      leases.add(lease);
      assertEquals(i < 4, lease.tryTake(4 * MB));
    }
    leases.forEach(ByteBudget.Lease::close);
    assertEquals(0, budget.used());
  }

  @Test
  void aClosedLeaseHasNoRoom() {
    ByteBudget.Lease lease = budget.lease();
    lease.close();
    assertThrows(ByteBudget.Exhausted.class, () -> lease.take(1));
    assertEquals(0, budget.used());
  }

  @Test
  void aFailedReadGivesItsRoomBack() throws IOException {
    BlockInput reset =
        new BlockInput() {
          @Override
          public int read(byte[] into, int offset, int length) throws IOException {
            throw new IOException("reset");
          }
        };
    InputStream broken = new SequenceInputStream(new ByteArrayInputStream(new byte[MB]), reset);
    try (ByteBudget.Lease lease = leaseOf("a")) {
      assertThrows(IOException.class, () -> lease.read(broken, 2 * MB));
      assertTrue(lease.tryTake(4 * MB));
    }
    try (ByteBudget.Lease lease = leaseOf("a")) {
      byte[] content = new byte[3 * MB];
      assertThrows(
          ByteBudget.Exhausted.class, () -> lease.read(new ByteArrayInputStream(content), 4 * MB));
      assertEquals(MB, lease.read(new ByteArrayInputStream(content), MB).length);
    }
    assertEquals(0, budget.used());
  }

  @Test
  void theSumIsExactHoweverManyThreadsTakeAndGive() throws Exception {
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> running = new ArrayList<>();
      for (int i = 0; i < 32; i++) {
        Random random = new Random(i);
        running.add(threads.submit(() -> takeAndGive(random)));
      }
      for (Future<?> each : running) {
        each.get();
      }
    }
    assertEquals(0, budget.used());
    // No holder is left with anything of its share.
    for (int i = 0; i < 4; i++) {
      try (ByteBudget.Lease lease = leaseOf("caller " + i)) {
        assertTrue(lease.tryTake(4 * MB));
      }
    }
  }

  private void takeAndGive(Random random) {
    for (int round = 0; round < 200; round++) {
      try (ByteBudget.Lease lease = leaseOf("caller " + random.nextInt(4))) {
        for (int i = 0; i < 10; i++) {
          int bytes = random.nextInt(MB);
          if (lease.tryTake(bytes)) {
            lease.give(random.nextInt(bytes + 1));
          }
        }
      }
    }
  }
}
