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
import java.util.function.UnaryOperator;
import luki.gateway.http.Scope;
import luki.gateway.http.Users;
import org.jspecify.annotations.Nullable;

/** Makes and ends keys in the key file. The key itself is given back once and kept nowhere. */
public final class ApiKeyAdmin {
  private final KeyFile file;
  private final KeyedHash pepper;
  private final Clock clock;
  private final SecureRandom random = new SecureRandom();

  public ApiKeyAdmin(KeyFile file, KeyedHash pepper, Clock clock) {
    this.file = file;
    this.pepper = pepper;
    this.clock = clock;
  }

  /** What a new key is to open. */
  public record Wanted(
      String owner,
      Set<Scope> scopes,
      Set<String> roles,
      Users users,
      @Nullable String plan,
      @Nullable Instant expires) {}

  /** No key of that id is still good. */
  public static final class NoSuchKey extends Exception {
    private static final long serialVersionUID = 1L;
  }

  public List<KeyEntry> list() throws IOException, KeyFile.Broken {
    return file.read();
  }

  public ApiKeyText create(Wanted wanted) throws IOException, KeyFile.Broken {
    ApiKeyText key = ApiKeyText.generate(random);
    KeyEntry entry = entry(key, wanted);
    file.change(
        keys -> {
          List<KeyEntry> next = new ArrayList<>(keys);
          next.add(entry);
          return next;
        });
    return key;
  }

  private KeyEntry entry(ApiKeyText key, Wanted wanted) {
    return new KeyEntry(
        key.id(),
        HexFormat.of().formatHex(pepper.of(key.reveal())),
        wanted.owner,
        wanted.scopes,
        wanted.roles,
        wanted.users,
        wanted.plan,
        clock.instant(),
        wanted.expires,
        null);
  }

  public void revoke(String id) throws IOException, KeyFile.Broken, NoSuchKey {
    find(file.read(), id);
    file.change(keys -> replace(keys, id, key -> key.revokedAt(clock.instant())));
  }

  /** A successor with the same rights; the old one is good until the grace is over. */
  public ApiKeyText rotate(String id, Duration grace)
      throws IOException, KeyFile.Broken, NoSuchKey {
    find(file.read(), id);
    ApiKeyText key = ApiKeyText.generate(random);
    Instant end = clock.instant().plus(grace);
    AtomicBoolean done = new AtomicBoolean();
    file.change(
        keys -> {
          // Looked at again under the lock: somebody may have ended the key in between.
          KeyEntry old =
              keys.stream()
                  .filter(k -> k.id().equals(id) && k.isGoodAt(clock.instant()))
                  .findFirst()
                  .orElse(null);
          if (old == null) {
            return keys;
          }
          done.set(true);
          List<KeyEntry> next = replace(keys, id, k -> k.expiringAt(end));
          next.add(entry(key, wantedOf(old)));
          return next;
        });
    if (!done.get()) {
      throw new NoSuchKey();
    }
    return key;
  }

  private static Wanted wantedOf(KeyEntry old) {
    return new Wanted(
        old.owner(), old.scopes(), old.roles(), old.users(), old.plan(), old.expires());
  }

  private void find(List<KeyEntry> keys, String id) throws NoSuchKey {
    if (keys.stream().noneMatch(k -> k.id().equals(id) && k.isGoodAt(clock.instant()))) {
      throw new NoSuchKey();
    }
  }

  private static List<KeyEntry> replace(
      List<KeyEntry> keys, String id, UnaryOperator<KeyEntry> change) {
    List<KeyEntry> next = new ArrayList<>();
    for (KeyEntry key : keys) {
      next.add(key.id().equals(id) ? change.apply(key) : key);
    }
    return next;
  }
}
