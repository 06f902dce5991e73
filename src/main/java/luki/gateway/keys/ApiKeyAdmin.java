package luki.gateway.keys;

import java.io.IOException;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.stream.Stream;
import luki.gateway.http.Principal.Users;
import luki.gateway.http.Scope;
import org.jspecify.annotations.Nullable;

/** Creates and revokes keys in the key file. A key itself is returned once and stored nowhere. */
public record ApiKeyAdmin(KeyFile file, KeyedHash pepper, Clock clock) {
  /** The rights of a new key. */
  public record Wanted(
      String owner,
      Set<Scope> scopes,
      Set<String> roles,
      Users users,
      @Nullable String plan,
      @Nullable Instant expires) {
    KeyEntry entry(ApiKeyText key, String lineage, KeyedHash pepper, Instant created) {
      String hash = HexFormat.of().formatHex(pepper.of(key.reveal()));
      return new KeyEntry(
          key.id(), lineage, hash, owner, scopes, roles, users, plan, created, expires, null);
    }
  }

  /** There is no valid key of that id. */
  public static final class NoSuchKey extends Exception {
    private static final long serialVersionUID = 1L;
  }

  public ApiKeyText create(Wanted wanted) throws IOException, KeyFile.Broken {
    ApiKeyText key = ApiKeyText.generate(new SecureRandom());
    KeyEntry entry = wanted.entry(key, key.id(), pepper, clock.instant());
    file.change(keys -> Stream.concat(keys.stream(), Stream.of(entry)).toList());
    return key;
  }

  public void revoke(String id) throws IOException, KeyFile.Broken, NoSuchKey {
    replaceValid(id, old -> List.of(old.revokedAt(clock.instant())));
  }

  /**
   * Creates a successor with the same rights, limits and quotas; the old key is valid until the
   * grace ends.
   */
  public ApiKeyText rotate(String id, Duration grace)
      throws IOException, KeyFile.Broken, NoSuchKey {
    ApiKeyText key = ApiKeyText.generate(new SecureRandom());
    Instant now = clock.instant();
    replaceValid(
        id,
        old -> {
          Wanted same =
              new Wanted(
                  old.owner(), old.scopes(), old.roles(), old.users(), old.plan(), old.expires());
          KeyEntry successor = same.entry(key, old.lineage(), pepper, now);
          return List.of(old.expiringAt(now.plus(grace)), successor);
        });
    return key;
  }

  private void replaceValid(String id, Function<KeyEntry, List<KeyEntry>> change)
      throws IOException, KeyFile.Broken, NoSuchKey {
    AtomicBoolean found = new AtomicBoolean();
    file.change(
        keys -> {
          List<KeyEntry> next = new ArrayList<>();
          for (KeyEntry key : keys) {
            boolean isIt = key.id().equals(id) && key.isGoodAt(clock.instant());
            next.addAll(isIt ? change.apply(key) : List.of(key));
            found.compareAndSet(false, isIt);
          }
          return found.get() ? next : keys;
        });
    if (!found.get()) {
      throw new NoSuchKey();
    }
  }
}
