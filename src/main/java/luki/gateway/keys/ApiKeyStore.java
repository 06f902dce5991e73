package luki.gateway.keys;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import luki.gateway.config.GatewayFile.Roles;
import luki.gateway.http.Principal;
import luki.gateway.http.Scope;
import luki.gateway.observe.Diagnostics;
import luki.gateway.observe.FailureLog;

/** The API keys of the file. While it is broken the last good set stays in use. */
public final class ApiKeyStore {
  private static final Duration TEMPORARY = Duration.ofMinutes(1);

  private final KeyFile file;
  private final KeyedHash pepper;
  private final Roles roles;
  private final Clock clock;
  private final FailureLog failures =
      new FailureLog(
          "keys",
          "the key file cannot be read; the last good keys stay in use",
          "the key file can be read again");
  private volatile Map<String, Known> keys = Map.of();
  private String stamp = "";
  private final byte[] noHash = new byte[32];

  public ApiKeyStore(KeyFile file, KeyedHash pepper, Roles roles, Clock clock) {
    this.file = file;
    this.pepper = pepper;
    this.roles = roles;
    this.clock = clock;
  }

  /** A store with the same keys, whose roles have other scopes. */
  public synchronized ApiKeyStore with(Roles other) {
    ApiKeyStore store = new ApiKeyStore(file, pepper, other, clock);
    store.take(keys.values().stream().map(known -> known.entry).toList());
    store.stamp = stamp;
    return store;
  }

  /** A key with what is the same for each of its requests. */
  private static final class Known {
    private final KeyEntry entry;
    private final byte[] hash;
    private final Principal.Key holder;

    Known(KeyEntry entry, byte[] hash, Principal.Key holder) {
      this.entry = entry;
      this.hash = hash;
      this.holder = holder;
    }
  }

  /** The holder of the key; empty when it is unknown, expired or revoked. */
  public Optional<Principal.Key> verify(ApiKeyText presented) {
    Known known = keys.get(presented.id());
    // The hash is made for unknown ids too, so that the duration does not show which ids exist.
    byte[] hash = pepper.of(presented.reveal());
    boolean same = MessageDigest.isEqual(known == null ? noHash : known.hash, hash);
    return same && known != null && known.entry.isGoodAt(clock.instant())
        ? Optional.of(known.holder)
        : Optional.empty();
  }

  /** Why {@link #verify} is empty; for operators, callers are not told. */
  public String whyRefused(ApiKeyText presented) {
    Known known = keys.get(presented.id());
    if (known == null) {
      return "no key in the key file has its id";
    }
    return MessageDigest.isEqual(known.hash, pepper.of(presented.reveal()))
        ? "it " + (known.entry.revoked() == null ? "has expired" : "is revoked")
        : "its hash differs: another secret, or made with another API_KEY_PEPPER";
  }

  /**
   * A caller whose credential was valid when its request began, with the rights of now; empty when
   * the credential is revoked or expired.
   *
   * @param skew by which clocks may differ
   */
  public Optional<Principal> now(Principal principal, Duration skew) {
    Instant now = clock.instant();
    return switch (principal) {
      case Principal.Anonymous _ -> Optional.of(principal);
      case Principal.Key key ->
          Optional.ofNullable(keys.get(key.id()))
              .filter(known -> known.entry.isGoodAt(now))
              .map(known -> known.holder);
      case Principal.User user ->
          Optional.of(principal).filter(_ -> now.isBefore(user.expires().plus(skew)));
      case Principal.Service service ->
          Optional.of(principal).filter(_ -> now.isBefore(service.expires().plus(skew)));
    };
  }

  /**
   * Adds a key that no file has and that may act for every user, until the file is read: for
   * requests that a process sends to itself.
   *
   * @return the key
   */
  public String addTemporary(Set<Scope> scopes) {
    ApiKeyText key = ApiKeyText.generate(new SecureRandom());
    Instant now = clock.instant();
    KeyEntry entry =
        new ApiKeyAdmin.Wanted(
                "gateway", scopes, Set.of(), Principal.Users.EVERYONE, null, now.plus(TEMPORARY))
            .entry(key, key.id(), pepper, now);
    keys = Map.of(key.id(), known(entry));
    return key.reveal();
  }

  /** Whether the file could be read the last time that it changed. */
  public boolean isGood() {
    return !failures.isFailing();
  }

  public int size() {
    return keys.size();
  }

  /** Loads the file if it has changed. */
  public synchronized void refresh() {
    try {
      String now = stampOf();
      if (now.equals(stamp)) {
        return;
      }
      List<KeyEntry> read = file.read();
      if (stampOf().equals(now)) {
        // Else it was replaced meanwhile, and the next look takes it.
        take(read);
        stamp = now;
      }
      failures.succeeded();
    } catch (IOException | KeyFile.Broken broken) {
      failures.failed(Diagnostics.Field.of("file", file.path()));
    }
  }

  private void take(List<KeyEntry> entries) {
    keys =
        entries.stream()
            .collect(Collectors.toUnmodifiableMap(KeyEntry::id, this::known, (_, later) -> later));
  }

  private Known known(KeyEntry entry) {
    Principal.Key holder =
        new Principal.Key(
            entry.id(),
            entry.lineage(),
            entry.owner(),
            roles.expand(entry.scopes(), entry.roles()),
            entry.users(),
            entry.plan());
    return new Known(entry, HexFormat.of().parseHex(entry.hash()), holder);
  }

  /** Changes whenever the file is replaced or written to. */
  private String stampOf() throws IOException, KeyFile.Broken {
    if (!Files.exists(file.path())) {
      if (!keys.isEmpty()) {
        throw new KeyFile.Broken("is missing");
      }
      return "none";
    }
    BasicFileAttributes now = Files.readAttributes(file.path(), BasicFileAttributes.class);
    return now.fileKey() + "/" + now.size() + "/" + now.lastModifiedTime().toInstant();
  }
}
