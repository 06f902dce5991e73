package luki.gateway.cli;

/** The command line is not one that is known. */
final class BadUsage extends Exception {
  private static final long serialVersionUID = 1L;

  private final String problem;

  BadUsage(String problem) {
    super(problem);
    this.problem = problem;
  }

  String problem() {
    return problem;
  }
}
