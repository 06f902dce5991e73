package luki.gateway.chaos;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A tiny run; {@code make soak} is a long one. */
@Timeout(180)
class SoakTest {
  @Test
  void everyRequestIsAnsweredAsItMustBeAndNothingIsLeft() throws Exception {
    assertEquals(List.of(), new SoakRun(3_000, 60).run());
  }
}
