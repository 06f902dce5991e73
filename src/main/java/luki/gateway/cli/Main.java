package luki.gateway.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.Arrays;
import java.util.List;
import luki.gateway.app.Build;
import luki.gateway.app.Configuration;
import luki.gateway.app.ServeProcess;
import luki.gateway.config.Problems.BadConfiguration;

/** {@code java -jar luki-gateway.jar [command]}. Exit codes: 2 bad usage or settings, 1 failure. */
public final class Main {
  private static final int FAILED = 1;
  private static final int BAD = 2;

  private final PrintStream out;
  private final PrintStream err;

  Main(PrintStream out, PrintStream err) {
    this.out = out;
    this.err = err;
  }

  public static void main(String[] arguments) {
    PrintStream out =
        new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
    int code = new Main(out, System.err).run(Arrays.asList(arguments));
    out.flush();
    System.exit(code);
  }

  int run(List<String> arguments) {
    String command = arguments.isEmpty() ? "serve" : arguments.getFirst();
    List<String> rest = arguments.isEmpty() ? List.of() : arguments.subList(1, arguments.size());
    try {
      return switch (command) {
        case "serve" -> serve(new Arguments(rest));
        case "check" -> new CheckCommand(out).run(new Arguments(rest));
        case "policy" -> new PolicyCommand(out).run(new Arguments(rest));
        case "explain" -> new ExplainCommand(out).run(rest);
        case "token" -> new TokenCommand(out).run(rest);
        case "audit" -> new AuditCommand(out, err).run(rest);
        case "usage" -> new UsageCommand(out, err, Clock.systemUTC()).run(new Arguments(rest));
        case "key" -> new KeyCommand(out, err).run(rest);
        case "openapi" -> new OpenapiCommand(out).run(new Arguments(rest));
        case "version" -> version(new Arguments(rest));
        case "help", "--help", "-h" -> {
          out.print(Usage.TEXT);
          yield 0;
        }
        default -> throw new BadUsage("unknown command: " + command);
      };
    } catch (BadUsage wrong) {
      err.println("luki-gateway: " + wrong.problem());
      err.print(Usage.TEXT);
      return BAD;
    } catch (BadConfiguration bad) {
      err.println("luki-gateway: the configuration cannot be used:");
      bad.problems().forEach(problem -> err.println("  " + problem));
      return BAD;
    } catch (IOException failed) {
      err.println("luki-gateway: " + failed.getMessage());
      return FAILED;
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
      return FAILED;
    }
  }

  private int serve(Arguments arguments)
      throws BadUsage, BadConfiguration, IOException, InterruptedException {
    arguments.end();
    FileOutputStream accessLog = new FileOutputStream(FileDescriptor.out);
    ServeProcess.serve(Configuration.ofProcess(), accessLog, err, _ -> {});
    return 0;
  }

  private int version(Arguments arguments) throws BadUsage {
    arguments.end();
    out.println(Build.read().version());
    return 0;
  }
}
