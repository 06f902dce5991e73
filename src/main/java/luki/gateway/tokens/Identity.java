package luki.gateway.tokens;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;
import luki.gateway.config.Check;
import luki.gateway.config.ConfigurationCheck.Finding;
import luki.gateway.config.GatewayFile;
import luki.gateway.config.GatewayFile.Roles;
import luki.gateway.config.Problems;
import luki.gateway.config.Settings;
import luki.gateway.config.Variable;
import luki.gateway.observe.Periodic;
import luki.gateway.tokens.TokenVerifier.ServiceCallers;
import luki.gateway.tokens.TrustedKey.KeySource;
import luki.gateway.upstream.ExternalCall;
import luki.gateway.upstream.Upstreams.HttpClients;
import org.jspecify.annotations.Nullable;

/**
 * The issuers whose tokens are accepted, as the settings name them, and the refresh of their keys.
 */
public final class Identity implements AutoCloseable {
  private static final Duration FETCH_TIMEOUT = Duration.ofSeconds(5);
  private static final Duration FIRST_RETRY = Duration.ofSeconds(1);
  private static final Duration MAX_RETRY = Duration.ofSeconds(10);

  private final TokenVerifier verifier;
  private final @Nullable RemoteJwkSet remote;
  private @Nullable Periodic refresher;
  private Duration retry = FIRST_RETRY;

  private Identity(TokenVerifier verifier, @Nullable RemoteJwkSet remote) {
    this.verifier = verifier;
    this.remote = remote;
  }

  /**
   * Reads the keys that the settings name; an unusable one is a problem.
   *
   * @param before whose fetched keys are used, null at the start
   */
  public static Identity of(
      Settings settings,
      GatewayFile file,
      Roles roles,
      HttpClients clients,
      Clock clock,
      Problems problems,
      @Nullable Identity before) {
    Settings.Jwt jwt = settings.jwt();
    URI address = jwt.jwks();
    RemoteJwkSet remote =
        before != null || address == null
            ? before == null ? null : before.remote
            : new RemoteJwkSet(
                new ExternalCall(address, clients, FETCH_TIMEOUT)::get, System::nanoTime);
    KeySource keys =
        remote != null
            ? remote
            : settings.dev() && !jwt.isOn()
                ? DevIssuer.keysOf(DevIssuer.fileBeside(settings.keyFile()))
                : keys(
                    jwt.publicKey(),
                    JwkSet::ofPem,
                    Variable.JWT_PUBLIC_KEY_PATH,
                    "must name a public key in PEM, or several, each of them RSA of 2048 bits or"
                        + " more, P-256, P-384 or Ed25519",
                    problems);
    ServiceCallers services =
        keys(
            settings.serviceJwks(),
            text -> new ServiceCallers(JwkSet.ofServices(text), file.callers(), roles),
            Variable.SERVICE_JWKS_PATH,
            "must name a JWK Set with a usable public key, and each key must have a kid: a service"
                + " owns its keys by their kid",
            problems);
    TokenVerifier.Rules rules =
        new TokenVerifier.Rules(
            jwt.issuer(), jwt.audience(), roles, file.tokenRoles(), jwt.skew(), clock);
    return new Identity(new TokenVerifier(rules, keys, services), remote);
  }

  /** What is unwise in the key files of a configuration that is valid. */
  public static List<Finding> findings(Settings settings) throws IOException {
    Path file = settings.serviceJwks();
    List<String> leftOut = file == null ? List.of() : JwkSet.leftOut(Files.readAllBytes(file));
    return leftOut.stream()
        .map(
            key ->
                Finding.of(
                    Check.SERVICE_KEY_NOT_USED,
                    Variable.SERVICE_JWKS_PATH.name(),
                    key
                        + " is not used: it must be a public key for signatures, on the curve P-256,"
                        + " P-384 or Ed25519, or RSA of 2048 bits or more, with a kid that no other"
                        + " key has"))
        .toList();
  }

  /** What the text of a file is read as; null, and a problem, where it cannot be. */
  static <T> @Nullable T keys(
      @Nullable Path file,
      Function<String, T> reader,
      Variable variable,
      String shouldBe,
      Problems problems) {
    try {
      return file == null ? null : reader.apply(Files.readString(file));
    } catch (IOException | IllegalArgumentException unusable) {
      problems.add(variable.name(), shouldBe);
      return null;
    }
  }

  public TokenVerifier verifier() {
    return verifier;
  }

  /** Whether tokens can be verified: with an issuer's address, once its keys were loaded. */
  public boolean isReady() {
    return remote == null || remote.ageSeconds() >= 0;
  }

  /** Seconds since the issuer's keys were loaded; -1 where there is none, or they never were. */
  public long keysAgeSeconds() {
    return remote == null ? -1 : remote.ageSeconds();
  }

  /** Loads the issuer's keys, then again and again. */
  public void start() {
    RemoteJwkSet keys = remote;
    if (keys != null) {
      refresher = new Periodic("jwks", () -> refresh(keys));
    }
  }

  private Duration refresh(RemoteJwkSet keys) throws InterruptedException {
    if (keys.load()) {
      retry = FIRST_RETRY;
      return RemoteJwkSet.REFRESH;
    }
    Duration pause = retry;
    retry = pause.multipliedBy(2).compareTo(MAX_RETRY) > 0 ? MAX_RETRY : pause.multipliedBy(2);
    return pause;
  }

  @Override
  public void close() {
    if (refresher != null) {
      refresher.close();
    }
  }
}
