package luki.gateway.config;

import java.util.ArrayList;
import java.util.List;

/** The problems of a configuration; all of them are reported together. */
public final class Problems {
  private final List<String> found = new ArrayList<>();

  /**
   * Adds one.
   *
   * @param where the variable, or file:line
   * @param shouldBe what it should be; never the value, which may be a secret
   */
  public void add(String where, String shouldBe) {
    found.add(where + ": " + shouldBe);
  }

  /** Adds one that already begins with its place. */
  public void add(String problem) {
    found.add(problem);
  }

  public boolean isEmpty() {
    return found.isEmpty();
  }

  /** Prevents startup if there is any. */
  public void throwIfAny() throws BadConfiguration {
    if (!found.isEmpty()) {
      throw new BadConfiguration(found);
    }
  }

  /** The configuration is unusable. Lists all problems, and no secret. */
  public static final class BadConfiguration extends Exception {
    private static final long serialVersionUID = 1L;

    private final transient List<String> problems;

    public BadConfiguration(List<String> problems) {
      super(String.join("\n", problems));
      this.problems = List.copyOf(problems);
    }

    public List<String> problems() {
      return problems;
    }
  }
}
