package luki.gateway.tokens;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import luki.gateway.config.GatewayFile;
import luki.gateway.config.Problems;
import luki.gateway.config.Roles;
import luki.gateway.config.Settings;
import luki.gateway.config.Variable;
import luki.gateway.observe.Periodic;
import luki.gateway.tokens.TokenVerifier.KeySource;
import luki.gateway.upstream.DocumentFetcher;
import luki.gateway.upstream.Engines;
import org.jspecify.annotations.Nullable;

/** Who may vouch for a caller with a token, as the settings say it, and the care for their keys. */
public final class Identity implements AutoCloseable {
  private static final Duration FIRST_RETRY = Duration.ofSeconds(1);
  private static final Duration MAX_RETRY = Duration.ofSeconds(10);

  private final TokenVerifier.Rules rules;
  private final TokenVerifier verifier;
  private final @Nullable RemoteJwkSet remote;
  private final @Nullable DocumentFetcher fetcher;
  private @Nullable Periodic refresher;
  private Duration retry = FIRST_RETRY;

  private Identity(
      TokenVerifier.Rules rules,
      TokenVerifier verifier,
      @Nullable RemoteJwkSet remote,
      @Nullable DocumentFetcher fetcher) {
    this.rules = rules;
    this.verifier = verifier;
    this.remote = remote;
    this.fetcher = fetcher;
  }

  /** As the settings say; a key that cannot be used is a problem. */
  public static Identity of(
      Settings settings,
      GatewayFile file,
      Roles roles,
      Engines engines,
      Clock clock,
      Problems problems) {
    Settings.Jwt jwt = settings.jwt();
    URI address = jwt.jwks();
    DocumentFetcher fetcher = address == null ? null : new DocumentFetcher(address, engines);
    RemoteJwkSet remote =
        fetcher == null ? null : new RemoteJwkSet(fetcher::fetch, System::nanoTime);
    KeySource keys =
        remote != null
            ? remote
            : settings.dev() && !jwt.isOn()
                ? DevIssuer.keysOf(DevIssuer.fileBeside(settings.keyFile()))
                : pem(jwt.publicKey(), problems);
    JwkSet serviceKeys = services(settings.serviceJwks(), problems);
    ServiceCallers services =
        serviceKeys == null ? null : new ServiceCallers(serviceKeys, file.callers(), roles);
    TokenVerifier.Rules rules =
        new TokenVerifier.Rules(jwt.issuer(), jwt.audience(), roles, jwt.skew(), clock);
    return new Identity(rules, new TokenVerifier(rules, keys, services), remote, fetcher);
  }

  private static @Nullable KeySource pem(@Nullable Path path, Problems problems) {
    if (path == null) {
      return null;
    }
    try {
      return JwkSet.ofPem(Files.readString(path));
    } catch (IOException | IllegalArgumentException unusable) {
      problems.add(
          Variable.JWT_PUBLIC_KEY_PATH.name(),
          "must name a public key in PEM: RSA of 2048 bits or more, P-256, P-384 or Ed25519");
      return null;
    }
  }

  private static @Nullable JwkSet services(@Nullable Path path, Problems problems) {
    if (path == null) {
      return null;
    }
    try {
      JwkSet keys = JwkSet.ofJwks(Files.readAllBytes(path)).orElse(null);
      if (keys == null) {
        problems.add(
            Variable.SERVICE_JWKS_PATH.name(), "must name a JWK Set with a usable public key");
      }
      return keys;
    } catch (IOException unreadable) {
      problems.add(Variable.SERVICE_JWKS_PATH.name(), "must name a file that can be read");
      return null;
    }
  }

  public TokenVerifier verifier() {
    return verifier;
  }

  /** The rules that the verifier holds end users' tokens against. */
  public TokenVerifier.Rules rules() {
    return rules;
  }

  /** Whether tokens can be judged: with an issuer's address, once its keys were loaded. */
  public boolean isReady() {
    return verifier.isReady();
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
    keys.load(false);
    if (keys.ageSeconds() >= 0 && keys.ageSeconds() < RemoteJwkSet.REFRESH.toSeconds()) {
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
    if (fetcher != null) {
      fetcher.close();
    }
  }
}
