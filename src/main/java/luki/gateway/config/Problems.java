package luki.gateway.config;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import luki.gateway.json.Located;

/** The problems of a configuration; all of them are reported together. */
public final class Problems {
  private final Set<String> found = new LinkedHashSet<>();

  /**
   * Adds one.
   *
   * @param where the variable, or file:line
   * @param shouldBe what it should be; never the value, which may be a secret
   */
  public void add(String where, String shouldBe) {
    found.add(where + ": " + shouldBe);
  }

  /** Reads a document in YAML; the other problems so far are reported with one in it. */
  public Located read(Path file) throws BadConfiguration {
    try {
      return Located.read(file);
    } catch (IOException unreadable) {
      add(file.toString(), "must be a readable file");
    } catch (Located.Malformed malformed) {
      found.add(String.valueOf(malformed.getMessage()));
    }
    throw new BadConfiguration(List.copyOf(found));
  }

  public boolean isEmpty() {
    return found.isEmpty();
  }

  /** Prevents startup if there is any. */
  public void throwIfAny() throws BadConfiguration {
    if (!found.isEmpty()) {
      throw new BadConfiguration(List.copyOf(found));
    }
  }

  /** The configuration is unusable. Lists all problems, and no secret. */
  public static final class BadConfiguration extends Exception {
    private static final long serialVersionUID = 1L;

    private final transient List<String> problems;

    public BadConfiguration(String problem) {
      this(List.of(problem));
    }

    public BadConfiguration(List<String> problems) {
      super(String.join("\n", problems));
      this.problems = List.copyOf(problems);
    }

    /** Of HOST or PORT, which could not be bound. */
    public static BadConfiguration ofAddress(InetSocketAddress address, SocketException refused) {
      String why = String.valueOf(refused.getMessage());
      String variable = why.contains("assign") || why.contains("resolved") ? "HOST" : "PORT";
      return new BadConfiguration(
          "%s: cannot listen on %s:%d: %s"
              .formatted(variable, address.getHostString(), address.getPort(), why));
    }

    public List<String> problems() {
      return problems;
    }
  }
}
