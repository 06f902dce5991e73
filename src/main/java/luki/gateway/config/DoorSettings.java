package luki.gateway.config;

import java.net.URI;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import luki.gateway.http.Upstream;
import org.jspecify.annotations.Nullable;

/** The variables of what is off by default: the doors, and webhooks. */
final class DoorSettings {
  private DoorSettings() {}

  static Settings.Doors read(Environment environment) {
    return new Settings.Doors(
        environment.choice(Variable.GRAPHQL_ENABLED, List.of("true", "false")).equals("true"),
        environment.get(Variable.GRPC_PORT) == null
            ? null
            : environment.number(Variable.GRPC_PORT, 0, 65535),
        tls(environment, Variable.GRPC_TLS_CERT_PATH, Variable.GRPC_TLS_KEY_PATH),
        tls(environment, Variable.GRPC_TLS_KEY_PATH, Variable.GRPC_TLS_CERT_PATH),
        grpcUrls(environment),
        environment.created(Variable.EXTENSIONS_DIR));
  }

  private static @Nullable Path tls(Environment environment, Variable file, Variable other) {
    if (environment.get(file) == null && environment.get(other) != null) {
      environment.problem(file, "must be set together with " + other);
    }
    return environment.optionalFile(file);
  }

  private static Map<Upstream, URI> grpcUrls(Environment environment) {
    Map<Upstream, URI> urls = new EnumMap<>(Upstream.class);
    for (Map.Entry<Upstream, URI> each :
        environment.list(
            Variable.GRPC_URLS,
            DoorSettings::named,
            "must list services such as memory=grpc://host:port, with grpc or grpcs")) {
      if (urls.put(each.getKey(), each.getValue()) != null) {
        environment.problem(Variable.GRPC_URLS, "must name a service once");
      }
    }
    return urls;
  }

  private static Map.@Nullable Entry<Upstream, URI> named(String text) {
    int equals = text.indexOf('=');
    for (Upstream who : Upstream.values()) {
      if (equals > 0 && who.label().equals(text.substring(0, equals).strip())) {
        URI url = url(text.substring(equals + 1).strip());
        return url == null ? null : Map.entry(who, url);
      }
    }
    return null;
  }

  private static @Nullable URI url(String text) {
    URI url = SettingsReader.address(text, "grpc", "grpcs");
    if (url == null || url.getHost() == null || url.getRawUserInfo() != null) {
      return null;
    }
    return url.getRawPath().isEmpty() && url.getRawQuery() == null ? url : null;
  }

  static Settings.Webhooks webhooks(Environment environment) {
    Path path = environment.created(Variable.WEBHOOKS_PATH);
    Path key = environment.optionalFile(Variable.WEBHOOKS_KEY_PATH);
    if (path != null && key == null) {
      environment.problem(Variable.WEBHOOKS_PATH, "needs WEBHOOKS_KEY_PATH as well");
    }
    return new Settings.Webhooks(path, key);
  }
}
