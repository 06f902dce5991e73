package luki.gateway.chaos;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import luki.gateway.http.Scope;
import luki.gateway.keys.ApiKeyAdmin;
import luki.gateway.keys.KeyEntry;
import luki.gateway.keys.KeyFile;
import luki.gateway.keys.KeyedHash;
import luki.gateway.standin.StandIns;

/** What gateway processes share: services, API keys, and settings without limits of rates. */
record ProcessSetting(StandIns services, Path directory) {
  private static final String PEPPER = "a pepper that only these runs know, long enough";

  /** A key for a user who has consented to everything. */
  String keyFor(String user) throws Exception {
    services.grant(user, "elr_memories", "analytics", "personalization");
    Set<Scope> scopes =
        Stream.of("chat:write", "elr:write", "engagement:write", "engagement:read")
            .map(Scope::new)
            .collect(Collectors.toSet());
    ApiKeyAdmin.Wanted wanted =
        new ApiKeyAdmin.Wanted(
            user, scopes, Set.of(), KeyEntry.usersOf(List.of(user), user), null, null);
    return new ApiKeyAdmin(keyFile(), KeyedHash.ofPepper(PEPPER), Clock.systemUTC())
        .create(wanted)
        .reveal();
  }

  private KeyFile keyFile() {
    return new KeyFile(directory.resolve("keys.json"));
  }

  /** The environment of a process. */
  Map<String, String> variables() throws IOException {
    // Other programs may leave little of the processors.
    String file =
        Files.readString(Path.of("config/gateway.yaml"))
            .replace("max_queue_delay: 10ms", "max_queue_delay: 0ms");
    Map<String, String> variables = new TreeMap<>(services.urls());
    variables.put(
        "GATEWAY_CONFIG", Files.writeString(directory.resolve("gateway.yaml"), file).toString());
    variables.put("API_KEY_PEPPER", PEPPER);
    variables.put("API_KEYS_FILE", directory.resolve("keys.json").toString());
    variables.put("RATE_LIMIT_PER_MIN", "0");
    variables.put("AUTH_FAILURES_PER_MIN", "0");
    return variables;
  }
}
