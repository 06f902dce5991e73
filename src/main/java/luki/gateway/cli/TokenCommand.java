package luki.gateway.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import luki.gateway.app.Configuration;
import luki.gateway.cli.Arguments.BadUsage;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.config.Settings;
import luki.gateway.http.UserId;
import luki.gateway.json.Json;
import luki.gateway.tokens.DevIssuer;

/** {@code token mint}: a user's token for development. A gateway in prod never accepts one. */
record TokenCommand(PrintStream out, Clock clock) {
  private static final Duration DEFAULT_TTL = Duration.ofMinutes(10);
  private static final Duration MAX_TTL = Duration.ofDays(1);

  int run(Arguments arguments) throws BadUsage, BadConfiguration, IOException {
    String subject = arguments.required("--sub");
    if (UserId.parse(subject).isEmpty()) {
      throw new BadUsage("--sub must be a user id: " + KeyCommand.USER_ID);
    }
    List<String> scopes = arguments.list("--scopes");
    Duration asked = arguments.age("--ttl");
    arguments.end();
    Configuration configuration = Configuration.ofProcess();
    Settings settings = configuration.settings();
    if (!settings.dev()) {
      throw new BadConfiguration("ENVIRONMENT: token mint works in dev only");
    }
    if (settings.jwt().isOn()) {
      throw new BadConfiguration(
          "JWT_PUBLIC_KEY_PATH, JWT_JWKS_URL: must be unset: with them the gateway accepts only"
              + " that issuer's tokens");
    }
    KeyCommand.scopes(scopes, configuration.roles());
    if (scopes.isEmpty()) {
      throw new BadUsage("--scopes is required: without one a token gives no access");
    }
    Duration ttl = asked == null ? DEFAULT_TTL : asked;
    if (ttl.compareTo(MAX_TTL) > 0 || ttl.isZero()) {
      throw new BadUsage("--ttl must be more than 0m and at most 1d");
    }
    out.println(
        DevIssuer.ofFile(DevIssuer.fileBeside(settings.keyFile()))
            .sign(claims(subject, scopes, ttl, settings.jwt())));
    return 0;
  }

  private Json claims(String subject, List<String> scopes, Duration ttl, Settings.Jwt jwt) {
    Instant now = clock.instant();
    String issuer = jwt.issuer();
    return Json.object()
        .put("iss", issuer == null ? "luki-desk" : issuer)
        .put("aud", jwt.audience())
        .put("sub", subject)
        .put("scope", String.join(" ", scopes))
        .put("iat", now.getEpochSecond())
        .put("exp", now.plus(ttl).getEpochSecond())
        .put("jti", UUID.randomUUID().toString())
        .build();
  }
}
