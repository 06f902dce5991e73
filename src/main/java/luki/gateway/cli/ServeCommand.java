package luki.gateway.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import luki.gateway.app.Carriers;
import luki.gateway.app.Configuration;
import luki.gateway.app.Gateway;
import luki.gateway.config.ConfigurationCheck;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.observe.Diagnostics;
import luki.gateway.upstream.Upstreams;

/** {@code serve}: until SIGTERM or SIGINT, then a drain, then 0. */
public final class ServeCommand {
  private final OutputStream out;
  private final PrintStream err;

  /**
   * Makes the command.
   *
   * @param out where the access log goes; it must tell of writes that fail
   */
  public ServeCommand(OutputStream out, PrintStream err) {
    this.out = out;
    this.err = err;
  }

  int run(Arguments arguments)
      throws BadUsage, BadConfiguration, IOException, InterruptedException {
    arguments.end();
    serve(Configuration.ofProcess(), _ -> {});
    return 0;
  }

  /** What is to be said once requests are taken. */
  @FunctionalInterface
  public interface Ready {
    void at(Gateway gateway);
  }

  /** Serves until the process is told to stop; the stop itself ends the process with 0. */
  public void serve(Configuration configuration, Ready ready)
      throws BadConfiguration, IOException, InterruptedException {
    Carriers.outnumberPollers();
    Upstreams.configureProcess();
    refuseCritical(configuration);
    Gateway gateway = new Gateway(configuration);
    start(gateway, configuration);
    Runtime.getRuntime()
        .addShutdownHook(Thread.ofPlatform().name("drain").unstarted(() -> drain(gateway)));
    Diagnostics log = new Diagnostics("gateway");
    log.info(
        "serving",
        Diagnostics.Field.of("port", gateway.address().getPort()),
        Diagnostics.Field.of("keys", gateway.keyCount()));
    ready.at(gateway);
    new CountDownLatch(1).await();
  }

  private void start(Gateway gateway, Configuration configuration)
      throws BadConfiguration, IOException {
    try {
      gateway.start(out);
    } catch (SocketException taken) {
      throw new BadConfiguration(
          List.of(
              "PORT: "
                  + configuration.settings().host()
                  + ":"
                  + configuration.settings().port()
                  + " is taken, or HOST is no address of this machine"));
    }
  }

  private void refuseCritical(Configuration configuration) throws BadConfiguration, IOException {
    List<String> critical = new ArrayList<>();
    for (ConfigurationCheck.Finding finding : configuration.findings()) {
      if (finding.severity() == ConfigurationCheck.Severity.CRITICAL) {
        critical.add(finding.where() + ": " + finding.text());
      } else {
        err.println("warning: " + finding.where() + ": " + finding.text());
      }
    }
    if (!critical.isEmpty()) {
      throw new BadConfiguration(critical);
    }
  }

  /** The JVM is going already; halting here makes its exit code 0 and not that of the signal. */
  private static void drain(Gateway gateway) {
    try {
      gateway.drain();
      Runtime.getRuntime().halt(0);
    } catch (InterruptedException interrupted) {
      Runtime.getRuntime().halt(1);
    }
  }
}
