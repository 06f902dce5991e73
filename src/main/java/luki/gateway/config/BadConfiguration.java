package luki.gateway.config;

import java.util.List;

/** The configuration cannot be served with. Lists every problem, and no secret. */
public final class BadConfiguration extends Exception {
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
