package luki.gateway.auth;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.time.Clock;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import luki.gateway.http.Principal;
import luki.gateway.observe.Diagnostics;

/** The keys that are good now. A broken file keeps the last good set and is told of once. */
public final class KeyRing {
  private static final Diagnostics LOG = new Diagnostics("keys");
  private static final String NO_HASH = "00".repeat(32);

  private final KeyFile file;
  private final KeyedHash pepper;
  private final Roles roles;
  private final Clock clock;
  private volatile Map<String, KeyEntry> keys = Map.of();
  private volatile boolean good = true;
  private String stamp = "";

  public KeyRing(KeyFile file, KeyedHash pepper, Roles roles, Clock clock) {
    this.file = file;
    this.pepper = pepper;
    this.roles = roles;
    this.clock = clock;
  }

  /** Who holds the key; empty when it is not known, expired or revoked. */
  public Optional<Principal.Key> verify(ApiKeyText presented) {
    KeyEntry entry = keys.get(presented.id());
    byte[] expected = HexFormat.of().parseHex(entry == null ? NO_HASH : entry.hash());
    // The hash is made for unknown ids too, so that time does not tell which ids there are.
    boolean same = MessageDigest.isEqual(expected, pepper.of(presented.reveal()));
    if (!same || entry == null || !entry.isGoodAt(clock.instant())) {
      return Optional.empty();
    }
    return Optional.of(
        new Principal.Key(
            entry.id(), entry.owner(), roles.expand(entry.scopes(), entry.roles()), entry.users()));
  }

  /** Whether a key that was good when its request began still is. */
  public boolean isStillGood(Principal.Key holder) {
    KeyEntry entry = keys.get(holder.id());
    return entry != null && entry.isGoodAt(clock.instant());
  }

  /** Whether the file could be read the last time that it changed. */
  public boolean isGood() {
    return good;
  }

  public int size() {
    return keys.size();
  }

  /** Looks whether the file has changed, and takes it when it has. */
  public synchronized void refresh() {
    try {
      String now = stampOf();
      if (now.equals(stamp)) {
        return;
      }
      take(file.read());
      stamp = now;
      if (!good) {
        LOG.info("the key file can be read again");
      }
      good = true;
    } catch (IOException | KeyFile.Broken broken) {
      if (good) {
        LOG.error(
            "the key file cannot be read; the last good keys stay in force",
            Diagnostics.Field.ofConfiguration("file", file.path()));
      }
      good = false;
    }
  }

  private void take(List<KeyEntry> entries) {
    Map<String, KeyEntry> next = new HashMap<>();
    for (KeyEntry entry : entries) {
      next.put(entry.id(), entry);
    }
    keys = Map.copyOf(next);
  }

  /** Changes whenever the file is replaced or written to. */
  private String stampOf() throws IOException, KeyFile.Broken {
    if (!Files.exists(file.path())) {
      if (!keys.isEmpty()) {
        throw new KeyFile.Broken("is gone");
      }
      return "none";
    }
    BasicFileAttributes now = Files.readAttributes(file.path(), BasicFileAttributes.class);
    return now.fileKey() + "/" + now.size() + "/" + now.lastModifiedTime().toInstant();
  }
}
