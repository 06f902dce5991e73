package luki.gateway.cli;

import java.io.PrintStream;
import luki.gateway.app.Configuration;
import luki.gateway.config.Problems.BadConfiguration;

/** {@code openapi}: the contract as {@code /openapi.json} serves it. */
record OpenapiCommand(PrintStream out) {
  int run(Arguments arguments) throws BadUsage, BadConfiguration {
    arguments.end();
    out.println(Configuration.ofProcess().document().published().pretty());
    return 0;
  }
}
