package luki.gateway.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.Arrays;
import java.util.List;
import luki.gateway.app.Configuration;
import luki.gateway.app.ServeProcess;
import luki.gateway.cli.Arguments.BadUsage;
import luki.gateway.config.Problems.BadConfiguration;

/** {@code java -jar luki-gateway.jar [command]}. Exit codes: 2 bad usage or settings, 1 failure. */
public final class Main {
  private static final String USAGE =
      """
      usage: java -jar luki-gateway.jar [command]

        serve                       serve until SIGTERM (the default)
        check [--json]              check configuration and contract; 2 when a finding is critical
        policy [--format md|json|html]
                                    the effective policy, one row per route
        explain METHOD PATH [--claims FILE] [--body FILE] [--header 'Name: value']…
                                    the verdict of each filter on a request, offline; claims and body
                                    are JSON; iss, aud and exp are added where the claims have none
        key create --owner O --scopes a,b [--roles r] [--users u1,u2|*] [--plan P] [--expires 90d]
                                    create an API key and print it, once
        key list                    list the keys, without their secrets
        key revoke ID               end a key now
        key rotate ID [--grace 7d]  create its successor and print it; the old one ends after the grace
        token mint --sub U --scopes a,b [--ttl 10m]
                                    dev only: create a user's token, signed by a development key
        audit verify FILE           verify every record; 1 and the first invalid one
        usage [--since D] [--by plan|principal]
                                    sum the events of USAGE_OUTBOX; D is 2026-11-01, a time, or 30d
        warm-up                     run requests through a gateway of its own, and end: for the JVM's
                                    ahead-of-time cache (make build)
        openapi                     print the contract
        version                     print the version
        help                        print this help

      Settings are environment variables; env.example lists them. Exit codes: 0 success, 2 bad usage or
      configuration, 1 any other failure.
      """;

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
        case "explain" -> new ExplainCommand(out).run(new Arguments(rest));
        case "token" -> new TokenCommand(out, Clock.systemUTC()).run(new Arguments(rest));
        case "audit" -> new AuditCommand(out, err).run(new Arguments(rest));
        case "usage" -> new UsageCommand(out, err, Clock.systemUTC()).run(new Arguments(rest));
        case "key" -> KeyCommand.run(out, err, new Arguments(rest));
        case "openapi" -> openapi(new Arguments(rest));
        case "warm-up" -> warmUp(new Arguments(rest));
        case "version" -> version(new Arguments(rest));
        case "help", "--help", "-h" -> {
          out.print(USAGE);
          yield 0;
        }
        default -> throw new BadUsage("unknown command: " + command);
      };
    } catch (BadUsage wrong) {
      err.println("luki-gateway: " + wrong.problem());
      err.print(USAGE);
      return BAD;
    } catch (BadConfiguration bad) {
      err.println("luki-gateway: invalid configuration:");
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

  private int warmUp(Arguments arguments) throws BadUsage, BadConfiguration, InterruptedException {
    arguments.end();
    int answered = ServeProcess.train(Configuration.ofProcess());
    err.println("warm-up: " + answered + " requests were answered");
    return answered > 0 ? 0 : FAILED;
  }

  private int openapi(Arguments arguments) throws BadUsage, BadConfiguration {
    arguments.end();
    out.println(Configuration.ofProcess().document().published().pretty());
    return 0;
  }

  private int version(Arguments arguments) throws BadUsage {
    arguments.end();
    out.println(Configuration.Build.read().version());
    return 0;
  }
}
