package luki.gateway.cli;

/**
 * Where the jar starts. The build compiles this class alone for Java 8, so that an older Java says
 * that it is too old, and not UnsupportedClassVersionError.
 */
public final class Launcher {
  private static final int MIN_JAVA = 25;

  private Launcher() {}

  /** Passes the command line on to {@link Main}. */
  public static void main(String[] arguments) {
    // Java 8 calls itself 1.8.
    if (Double.parseDouble(System.getProperty("java.specification.version")) < MIN_JAVA) {
      System.err.println(
          "luki-gateway: Java "
              + MIN_JAVA
              + " or newer is needed, and this is Java "
              + System.getProperty("java.version")
              + " of "
              + System.getProperty("java.home")
              + ": install Java 25, or use target/luki, which looks for it");
      System.exit(2);
    }
    Main.main(arguments);
  }
}
