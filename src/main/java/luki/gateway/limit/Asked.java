package luki.gateway.limit;

import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * One run of a script on Redis.
 *
 * @param givenUpAt in nanoseconds of the monotonic clock: after it nobody waits for the answer
 * @param mustRun nobody waits for its answer, but it has to be done in the end
 */
record Asked(
    Script script,
    List<String> keys,
    List<String> arguments,
    CompletableFuture<Object> answer,
    long givenUpAt,
    boolean mustRun) {

  boolean isGivenUp() {
    return !mustRun && System.nanoTime() - givenUpAt > 0;
  }
}
