package luki.gateway.app;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import luki.gateway.config.ConfigurationCheck.Finding;
import luki.gateway.config.Problems.BadConfiguration;
import luki.gateway.config.Settings;
import luki.gateway.http.Sha256;
import luki.gateway.observe.Diagnostics;
import luki.gateway.observe.Periodic;
import luki.gateway.observe.ReloadLog;

/**
 * Reads gateway.yaml, the contract and the files of public keys again, on request or when one of
 * them has changed. What the gateway does with requests changes as a whole, or not at all.
 */
final class Reload {
  private static final Diagnostics LOG = new Diagnostics("reload");

  private final Gateway gateway;
  private final Configuration atStart;
  private final ReloadLog log;
  private final ReentrantLock turn = new ReentrantLock();
  private Configuration last;
  private volatile String read;
  private String seen;

  Reload(Gateway gateway, Configuration atStart, ReloadLog log) {
    this.gateway = gateway;
    this.atStart = atStart;
    this.log = log;
    this.last = atStart;
    this.read = fingerprint();
    this.seen = read;
  }

  /** Reloads if a file has changed. One that is being written must be the same twice before. */
  Duration poll() {
    if (atStart.settings().poll().isZero()) {
      return Periodic.NEVER;
    }
    String found = fingerprint();
    if (found.equals(seen) && !found.equals(read)) {
      now();
    }
    seen = found;
    return atStart.settings().poll();
  }

  /** Reloads; what is wrong is logged. */
  void now() {
    turn.lock();
    try {
      read = fingerprint();
      Configuration next = atStart.reread();
      List<Finding> added = next.warnings();
      added.removeAll(last.findings());
      log.applied(gateway.use(next), added, atStart.environment().changed());
      last = next;
      if (!next.file().redisDeadline().equals(atStart.file().redisDeadline())) {
        LOG.warn("a changed limits/redis_deadline needs a restart");
      }
    } catch (BadConfiguration bad) {
      log.refused(bad);
    } catch (IOException | RuntimeException unexpected) {
      log.refused(new BadConfiguration("cannot be used: " + unexpected));
    } finally {
      turn.unlock();
    }
  }

  /** A hash of all files that a reload reads, without those that cannot be read now. */
  private String fingerprint() {
    Settings settings = atStart.settings();
    return Sha256.of(
        Stream.of(
                settings.gatewayFile(),
                settings.openapiFile(),
                settings.jwt().publicKey(),
                settings.serviceJwks())
            .filter(Objects::nonNull)
            .map(Reload::content)
            .toArray(byte[][]::new));
  }

  private static byte[] content(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException unreadable) {
      return new byte[0];
    }
  }
}
