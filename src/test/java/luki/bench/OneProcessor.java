package luki.bench;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;

/**
 * One processor for some processes, and a second for this process, which makes the load: what is
 * measured is then not what the load takes from them. By {@code taskset}, on Linux.
 */
final class OneProcessor implements AutoCloseable {
  private static final String FIRST = "0";
  private static final String SECOND = "1";
  private static final String ALL = "0-" + (Runtime.getRuntime().availableProcessors() - 1);

  private final List<Long> processes;

  private OneProcessor(List<Long> processes) {
    this.processes = processes;
  }

  /** Empty where there is one processor only, or no {@code taskset}. */
  static Optional<OneProcessor> of(List<Long> processes) {
    OneProcessor one = new OneProcessor(processes);
    boolean done = !ALL.equals("0-0") && bind(own(), SECOND);
    for (long process : processes) {
      done = done && bind(process, FIRST);
    }
    if (done) {
      return Optional.of(one);
    }
    one.close();
    return Optional.empty();
  }

  private static long own() {
    return ProcessHandle.current().pid();
  }

  /** All its threads; those that they start are bound like them. */
  private static boolean bind(long process, String processors) {
    try {
      return new ProcessBuilder("taskset", "-a", "-c", "-p", processors, Long.toString(process))
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start()
              .waitFor()
          == 0;
    } catch (IOException notInstalled) {
      return false;
    } catch (InterruptedException ended) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** The processes are as free as before. */
  @Override
  public void close() {
    for (long process : LongStream.concat(LongStream.of(own()), stream(processes)).toArray()) {
      boolean _ = bind(process, ALL);
    }
  }

  private static LongStream stream(List<Long> numbers) {
    return numbers.stream().mapToLong(Long::longValue);
  }
}
