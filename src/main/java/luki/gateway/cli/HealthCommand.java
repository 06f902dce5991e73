package luki.gateway.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.util.Set;
import luki.gateway.cli.Arguments.BadUsage;
import luki.gateway.config.Environment;
import luki.gateway.config.Problems;
import luki.gateway.config.Settings;
import luki.gateway.config.SettingsReader;

/**
 * {@code health}: asks the gateway of this machine, for a container that has no shell and no curl.
 */
record HealthCommand(PrintStream err) {
  private static final Set<String> ALL_ADDRESSES = Set.of("0.0.0.0", "::", "[::]");
  private static final int LIMIT_MS = 3000;

  int run(Arguments arguments) throws BadUsage {
    String path = arguments.has("--ready") ? "/readyz" : "/healthz";
    arguments.end();
    // Problems of the configuration are for `serve` and `check`: only the address counts here.
    Settings settings = SettingsReader.read(Environment.ofProcess(new Problems()));
    String host = ALL_ADDRESSES.contains(settings.host()) ? "127.0.0.1" : settings.host();
    URI address = URI.create("http://" + host + ":" + settings.port() + path);
    try {
      HttpURLConnection call = (HttpURLConnection) address.toURL().openConnection();
      call.setConnectTimeout(LIMIT_MS);
      call.setReadTimeout(LIMIT_MS);
      if (call.getResponseCode() == HttpURLConnection.HTTP_OK) {
        return 0;
      }
      err.println("luki-gateway: " + path + " answers " + call.getResponseCode());
    } catch (IOException failed) {
      err.println("luki-gateway: " + address + ": " + failed.getMessage());
    }
    return 1;
  }
}
