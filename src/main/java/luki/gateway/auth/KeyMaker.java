package luki.gateway.auth;

import java.io.IOException;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import luki.gateway.http.Scope;
import luki.gateway.http.Users;
import org.jspecify.annotations.Nullable;

/** Makes and ends keys in the key file. The key itself is given back once and kept nowhere. */
public final class KeyMaker {
  private final KeyFile file;
  private final KeyedHash pepper;
  private final Clock clock;
  private final SecureRandom random = new SecureRandom();

  public KeyMaker(KeyFile file, KeyedHash pepper, Clock clock) {
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
    KeyEntry old = find(id);
    file.change(keys -> replace(keys, old.id(), key -> key.revokedAt(clock.instant())));
  }

  /** A successor with the same rights; the old one is good until the grace is over. */
  public ApiKeyText rotate(String id, Duration grace)
      throws IOException, KeyFile.Broken, NoSuchKey {
    KeyEntry old = find(id);
    ApiKeyText key = ApiKeyText.generate(random);
    Wanted same =
        new Wanted(old.owner(), old.scopes(), old.roles(), old.users(), old.plan(), old.expires());
    KeyEntry entry = entry(key, same);
    Instant end = clock.instant().plus(grace);
    file.change(
        keys -> {
          List<KeyEntry> next = replace(keys, old.id(), k -> k.expiringAt(end));
          next.add(entry);
          return next;
        });
    return key;
  }

  private KeyEntry find(String id) throws IOException, KeyFile.Broken, NoSuchKey {
    for (KeyEntry key : file.read()) {
      if (key.id().equals(id) && key.isGoodAt(clock.instant())) {
        return key;
      }
    }
    throw new NoSuchKey();
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
