package luki.gateway.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import luki.gateway.app.Configuration;
import luki.gateway.app.ServeProcess;
import luki.gateway.audit.AuditChain;
import luki.gateway.cli.Arguments.BadUsage;
import luki.gateway.cli.Commands.Command;
import luki.gateway.config.Environment;
import luki.gateway.config.Problems;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.config.Settings;
import luki.gateway.config.SettingsReader;

/** {@code java -jar luki-gateway.jar [command]}. Exit codes: 2 bad usage or settings, 1 failure. */
public final class Main {
  private static final int FAILED = 1;
  private static final int BAD = 2;
  private static final Set<String> ALL_ADDRESSES = Set.of("0.0.0.0", "::", "[::]");
  private static final int HEALTH_LIMIT_MS = 3000;

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
    List<String> line = arguments.isEmpty() ? List.of("serve") : arguments;
    Commands commands = Commands.read();
    boolean help = line.getFirst().equals("help");
    List<String> about = help ? line.subList(1, line.size()) : line;
    List<Command> named = commands.named(about);
    try {
      if (help || line.contains("--help") || line.contains("-h")) {
        boolean all = about.isEmpty() || about.getFirst().startsWith("-");
        List<Command> known = all || !named.isEmpty() ? named : List.of(commands.of(about));
        out.print(all ? commands.overview() : commands.usage(known));
        return 0;
      }
      if (List.of("--version", "-V").contains(line.getFirst())) {
        return version();
      }
      Command command = commands.of(line);
      int words = command.name().split(" ", -1).length;
      return run(command, new Arguments(line.subList(words, line.size()), command.options()));
    } catch (BadUsage wrong) {
      // The error last, where the reader of a terminal looks.
      err.print(commands.usage(named));
      err.println("luki-gateway: " + wrong.getMessage());
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

  private int run(Command command, Arguments arguments)
      throws BadUsage, BadConfiguration, IOException, InterruptedException {
    return switch (command.name()) {
      case "serve" -> serve(arguments);
      case "check" -> new CheckCommand(out).run(arguments);
      case "policy" -> new PolicyCommand(out).run(arguments);
      case "explain" -> new ExplainCommand(out).run(arguments);
      case "token mint" -> new TokenCommand(out, Clock.systemUTC()).run(arguments);
      case "audit verify" -> auditVerify(arguments);
      case "usage" -> new UsageCommand(out, err, Clock.systemUTC()).run(arguments);
      case "key create", "key list", "key revoke", "key rotate" ->
          KeyCommand.run(command.name(), out, err, arguments);
      case "rollout show", "rollout set", "rollout promote", "rollout abort" ->
          new RolloutCommand(out, err, Clock.systemUTC(), arguments, Configuration.ofProcess())
              .run(command.name());
      case "openapi" -> openapi(arguments);
      case "health" -> health(arguments);
      case "warm-up" -> warmUp(arguments);
      case "version" -> {
        arguments.end();
        yield version();
      }
      default -> throw new IllegalStateException("not served: " + command.name());
    };
  }

  private int serve(Arguments arguments)
      throws BadUsage, BadConfiguration, IOException, InterruptedException {
    arguments.end();
    FileOutputStream accessLog = new FileOutputStream(FileDescriptor.out);
    ServeProcess.serve(Configuration.ofProcess(), accessLog, err, _ -> {});
    return 0;
  }

  /** 0 when every record is valid, 1 when one is not. */
  private int auditVerify(Arguments arguments) throws BadUsage, IOException {
    String name = arguments.word("the audit file");
    arguments.end();
    try {
      Path file = Path.of(name);
      if (!Files.isReadable(file) || Files.isDirectory(file)) {
        throw new IOException(name + " is not a readable file");
      }
      return switch (AuditChain.verify(file)) {
        case AuditChain.ChainCheck.Whole whole -> {
          out.println(
              "valid records: " + whole.records() + "; the last hash is " + whole.lastHash());
          yield 0;
        }
        case AuditChain.ChainCheck.Broken broken -> {
          err.println(
              "luki-gateway: "
                  + broken.file()
                  + ":"
                  + broken.line()
                  + ": this record is invalid: it, or one before it, was changed, moved or removed");
          yield FAILED;
        }
      };
    } catch (InvalidPathException malformed) {
      throw new BadUsage("not a file name: " + name);
    }
  }

  /** Asks the gateway of this machine, for a container that has no shell and no curl. */
  private int health(Arguments arguments) throws BadUsage {
    String path = arguments.has("--ready") ? "/readyz" : "/healthz";
    arguments.end();
    // Problems of the configuration are for `serve` and `check`: only the address counts here.
    Settings settings = SettingsReader.read(Environment.ofProcess(new Problems()));
    String host = ALL_ADDRESSES.contains(settings.host()) ? "127.0.0.1" : settings.host();
    URI address = URI.create("http://" + host + ":" + settings.port() + path);
    try {
      HttpURLConnection call = (HttpURLConnection) address.toURL().openConnection();
      call.setConnectTimeout(HEALTH_LIMIT_MS);
      call.setReadTimeout(HEALTH_LIMIT_MS);
      if (call.getResponseCode() == HttpURLConnection.HTTP_OK) {
        return 0;
      }
      err.println("luki-gateway: " + path + " answers " + call.getResponseCode());
    } catch (IOException failed) {
      err.println("luki-gateway: " + address + ": " + failed.getMessage());
    }
    return FAILED;
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

  private int version() {
    out.println(Configuration.Build.read().version());
    return 0;
  }
}
