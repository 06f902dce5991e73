package luki.gateway.testing;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.Callable;

/** For what fails only where a test is broken: a checked exception becomes an unchecked one. */
public final class Unchecked {
  private Unchecked() {}

  public static <T> T get(Callable<T> value) {
    try {
      return value.call();
    } catch (RuntimeException failed) {
      throw failed;
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    } catch (Exception failed) {
      throw new IllegalStateException(failed);
    }
  }

  /** A step that gives nothing. */
  @FunctionalInterface
  public interface Step {
    void run() throws Exception;
  }

  public static void run(Step step) {
    Void _ =
        get(
            () -> {
              step.run();
              return null;
            });
  }
}
