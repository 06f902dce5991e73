package luki.gateway.rollout;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.UnaryOperator;
import luki.gateway.config.OwnerOnly;
import luki.gateway.http.Upstream;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;

/** The shares of the versions of services. All instances with the same file divide calls alike. */
public record RolloutFile(Path path) {
  /**
   * The services with shares; none when there is no file.
   *
   * @throws IOException it cannot be read, or is not what {@link #change} writes
   */
  public Map<Upstream, RolloutState> read() throws IOException {
    Map<Upstream, RolloutState> states = new EnumMap<>(Upstream.class);
    try {
      Json services = Json.parseReply(Files.readAllBytes(path)).at("services");
      for (Upstream who : Upstream.values()) {
        if (services.at(who.label()).isObject()) {
          states.put(who, RolloutState.of(services.at(who.label())));
        }
      }
      if (!services.isObject() || services.size() > states.size()) {
        throw new IOException(path + " must be {\"services\": {…}}, as luki rollout writes it");
      }
      return states;
    } catch (NoSuchFileException none) {
      return states;
    } catch (InvalidJson | IllegalArgumentException | DateTimeException malformed) {
      throw new IOException(path + " is not what luki rollout writes", malformed);
    }
  }

  /** Changes what a service has; returns what it then has. */
  public RolloutState change(Upstream who, UnaryOperator<RolloutState> change) throws IOException {
    RolloutState[] result = new RolloutState[1];
    OwnerOnly.<IOException>change(
        path,
        () -> {
          Map<Upstream, RolloutState> states = read();
          RolloutState before = states.getOrDefault(who, RolloutState.NONE);
          result[0] = change.apply(before);
          states.put(who, result[0]);
          return result[0].equals(before) ? null : text(states);
        });
    return result[0];
  }

  private static String text(Map<Upstream, RolloutState> states) {
    Json.Builder services = Json.object();
    states.forEach((who, state) -> services.put(who.label(), state.toJson()));
    return Json.object().put("services", services.build()).build().pretty() + "\n";
  }
}
