package luki.gateway.tokens;

import luki.gateway.tokens.TokenVerifier.BearerToken;
import com.nimbusds.jose.JOSEException;
import luki.gateway.keys.ApiKeyAdmin;
import luki.gateway.keys.ApiKeyStore;
import luki.gateway.keys.ApiKeyText;
import luki.gateway.keys.KeyFile;
import luki.gateway.keys.KeyedHash;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PublicKey;
import java.security.Signature;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import luki.gateway.http.Principal;
import luki.gateway.http.Scope;
import luki.gateway.http.UserId;
import luki.gateway.http.Principal.Users;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/** What finding out who calls costs, on one thread. Keys are made for the run. */
@State(org.openjdk.jmh.annotations.Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(1)
@Threads(1)
public class CredentialBench {
  private static final int KEYS = 1_000;
  private static final int TOKENS = 4_096;

  private Path directory;
  private ApiKeyStore ring;
  private ApiKeyText key;
  private Forge forge;
  private TokenVerifier verifier;
  private BearerToken known;
  private BearerToken[] tokens;
  private int next;
  private PublicKey publicKey;
  private byte[] signed;
  private byte[] signature;

  /** Makes a thousand keys and as many tokens as are taken in turn. */
  @Setup(Level.Trial)
  public void make()
      throws IOException, KeyFile.Broken, GeneralSecurityException, JOSEException {
    directory = Files.createTempDirectory("microbench");
    KeyFile file = new KeyFile(directory.resolve("keys.json"));
    KeyedHash pepper = KeyedHash.ofPepper("a pepper for the bench, long enough to be one");
    ApiKeyAdmin maker = new ApiKeyAdmin(file, pepper, Clock.systemUTC());
    ApiKeyAdmin.Wanted wanted =
        new ApiKeyAdmin.Wanted(
            "bench",
            Set.of(new Scope("elr:read")),
            Set.of(),
            Users.only(Set.of(new UserId("maria_k"))),
            null,
            null);
    for (int i = 0; i < KEYS; i++) {
      key = maker.create(wanted);
    }
    ring = new ApiKeyStore(file, pepper, Tokens.ROLES, Clock.systemUTC());
    ring.refresh();
    forge = new Forge();
    verifier = verifier();
    known = BearerToken.of(forge.good("ES256")).orElseThrow();
    tokens = new BearerToken[TOKENS];
    for (int i = 0; i < TOKENS; i++) {
      String claims = Forge.with("jti", "\"" + i + "\"");
      tokens[i] = BearerToken.of(forge.of(claims)).orElseThrow();
    }
    publicKey = forge.ec.toECPublicKey();
    signed = forge.good("ES256").getBytes(StandardCharsets.US_ASCII);
    Signature es256 = Signature.getInstance("SHA256withECDSAinP1363Format");
    es256.initSign(forge.ec.toECPrivateKey());
    es256.update(signed);
    signature = es256.sign();
  }

  private TokenVerifier verifier() {
    JwkSet keys = JwkSet.ofJwks(forge.jwks().getBytes(StandardCharsets.UTF_8)).orElseThrow();
    return new TokenVerifier(
        new TokenVerifier.Rules(
            Forge.ISSUER,
            "luki-gateway",
            Tokens.ROLES,
            Tokens.TOKEN_ROLES,
            Duration.ofHours(1),
            Clock.systemUTC()),
        keys,
        null);
  }

  /** Takes the keys away again. */
  @TearDown(Level.Trial)
  public void remove() throws IOException {
    try (var files = Files.list(directory)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(directory);
  }

  /** An API key, from its text to its holder, among a thousand. */
  @Benchmark
  public Optional<Principal.Key> apiKey() {
    return ApiKeyText.parse(key.reveal()).flatMap(ring::verify);
  }

  /** A token that was verified before. */
  @Benchmark
  public TokenVerifier.TokenResult cachedToken() throws InterruptedException {
    return verifier.verify(known);
  }

  /** An ES256 token that is seen for the first time. */
  @Benchmark
  public TokenVerifier.TokenResult firstEs256() throws InterruptedException {
    if (next == TOKENS) {
      next = 0;
      verifier = verifier();
    }
    return verifier.verify(tokens[next++]);
  }

  /** The JDK's verification of one ES256 signature alone: the floor of the one above. */
  @Benchmark
  public boolean jdkEs256Alone() throws GeneralSecurityException {
    Signature es256 = Signature.getInstance("SHA256withECDSAinP1363Format");
    es256.initVerify(publicKey);
    es256.update(signed);
    return es256.verify(signature);
  }
}
