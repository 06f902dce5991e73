package luki.gateway.keys;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import luki.gateway.config.GatewayFile.Roles;
import luki.gateway.http.Principal;
import luki.gateway.http.Scope;
import luki.gateway.http.UserId;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** API keys: their text, their file, and which of them are valid. */
class ApiKeysTest {
  private static final Instant NOW = Instant.parse("2026-11-24T12:00:00Z");
  private static final KeyedHash PEPPER = KeyedHash.ofPepper("one pepper of more than 32 bytes");
  private static final Scope READ = new Scope("elr:read");
  private static final Scope OPS = new Scope("ops:read");
  private static final Roles ROLES =
      new Roles(Map.of("reader", Set.of(READ)), Set.of(READ, OPS, Scope.ANY_USER));

  private Path path;
  private KeyFile file;
  private ApiKeyAdmin maker;

  @BeforeEach
  void place(@TempDir Path directory) {
    path = directory.resolve("keys.json");
    file = new KeyFile(path);
    maker = new ApiKeyAdmin(file, PEPPER, at(NOW));
  }

  private static Clock at(Instant time) {
    return Clock.fixed(time, ZoneOffset.UTC);
  }

  private ApiKeyStore ring(Instant time) {
    ApiKeyStore ring = new ApiKeyStore(file, PEPPER, ROLES, at(time));
    ring.refresh();
    return ring;
  }

  private ApiKeyText make(Set<Scope> scopes, Set<String> roles, Instant expires) throws Exception {
    return maker.create(
        new ApiKeyAdmin.Wanted(
            "app", scopes, roles, KeyEntry.usersOf(List.of(), "app"), null, expires));
  }

  @Test
  void aFileThatRootChangesKeepsItsOwner() throws Exception {
    assumeTrue("root".equals(System.getProperty("user.name")), "only root may change an owner");
    make(Set.of(READ), Set.of(), null);
    UserPrincipal nobody =
        path.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName("nobody");
    Files.setOwner(path, nobody);
    make(Set.of(READ), Set.of(), null);
    assertEquals(nobody, Files.getOwner(path));
    assertEquals(2, file.read().size());
  }

  @Test
  void aKeyOwnsItsOwnerAloneUnlessUsersAreNamed() throws Exception {
    ApiKeyText made = make(Set.of(READ), Set.of(), null);
    Principal.Key key = ring(NOW).verify(made).orElseThrow();
    assertTrue(key.users().include(new UserId("app")));
    assertFalse(key.users().include(new UserId("other")));
    assertEquals(Set.of(READ), key.scopes());
  }

  @Test
  void rolesBecomeScopesAndAdminHasEveryOne() throws Exception {
    ApiKeyText reader = make(Set.of(), Set.of("reader"), null);
    ApiKeyText admin = make(Set.of(), Set.of("admin"), null);
    ApiKeyText unknown = make(Set.of(), Set.of("emperor"), null);
    ApiKeyStore ring = ring(NOW);
    assertEquals(Set.of(READ), ring.verify(reader).orElseThrow().scopes());
    assertEquals(ROLES.every(), ring.verify(admin).orElseThrow().scopes());
    assertEquals(Set.of(), ring.verify(unknown).orElseThrow().scopes());
  }

  @Test
  void aKeyIsGoodUntilTheSecondOfItsEndAndNotInIt() throws Exception {
    Instant end = NOW.plus(Duration.ofDays(1));
    ApiKeyText key = make(Set.of(READ), Set.of(), end);
    assertTrue(ring(end.minusMillis(1)).verify(key).isPresent());
    assertFalse(ring(end).verify(key).isPresent());
  }

  @Test
  void aStrangersKeyOrAnotherPepperOpensNothing() throws Exception {
    ApiKeyText key = make(Set.of(READ), Set.of(), null);
    assertFalse(ring(NOW).verify(ApiKeyText.generate(new SecureRandom())).isPresent());
    ApiKeyStore other =
        new ApiKeyStore(
            file, KeyedHash.ofPepper("another pepper of more than 32 b"), ROLES, at(NOW));
    other.refresh();
    assertFalse(other.verify(key).isPresent());
  }

  @Test
  void aBrokenOrVanishedFileKeepsTheLastGoodKeysAndSaysSo() throws Exception {
    ApiKeyText key = make(Set.of(READ), Set.of(), null);
    ApiKeyStore ring = ring(NOW);
    String good = Files.readString(path);
    for (String broken :
        List.of("", "{", "{\"version\":2,\"keys\":[]}", good.replace("hash", "h"))) {
      Files.writeString(path, broken);
      ring.refresh();
      assertFalse(ring.isGood(), broken);
      assertTrue(ring.verify(key).isPresent(), broken);
    }
    Files.delete(path);
    ring.refresh();
    assertTrue(ring.verify(key).isPresent());
    Files.writeString(path, good);
    ring.refresh();
    assertTrue(ring.isGood());
  }

  @Test
  void theFileIsItsOwnersAloneAndHoldsNoKey() throws Exception {
    ApiKeyText key = make(Set.of(READ), Set.of(), null);
    try (Stream<Path> files = Files.list(path.getParent())) {
      // The lock too.
      List<Path> all = files.toList();
      assertTrue(all.size() > 1, all.toString());
      for (Path file : all) {
        assertEquals(
            "rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
      }
    }
    assertFalse(Files.readString(path).contains(key.reveal().substring(18)));
  }

  @Test
  void writersAtOnceLoseNothing() throws Exception {
    List<Callable<ApiKeyText>> writers = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      writers.add(() -> make(Set.of(READ), Set.of(), null));
    }
    try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
      for (var made : threads.invokeAll(writers)) {
        assertTrue(ring(NOW).verify(made.get()).isPresent());
      }
    }
    assertEquals(20, file.read().size());
  }

  @Test
  void aRotatedKeyIsGoodUntilItsGraceIsOverAndItsSuccessorGoesOn() throws Exception {
    ApiKeyText old = make(Set.of(READ), Set.of(), null);
    ApiKeyText next = maker.rotate(old.id(), Duration.ofDays(7));
    Instant over = NOW.plus(Duration.ofDays(7));
    assertTrue(ring(over.minusSeconds(1)).verify(old).isPresent());
    assertFalse(ring(over).verify(old).isPresent());
    assertTrue(ring(over).verify(next).isPresent());
    maker.revoke(next.id());
    assertFalse(ring(NOW).verify(next).isPresent());
    assertThrows(ApiKeyAdmin.NoSuchKey.class, () -> maker.revoke(next.id()));
  }

  @Test
  void aSuccessorCountsInTheLimitsOfTheFirstKeyAndAFileWithoutLineagesIsRead() throws Exception {
    ApiKeyText first = make(Set.of(READ), Set.of(), null);
    // A key that was never rotated is stored as before.
    assertFalse(Files.readString(path).contains("lineage"));
    ApiKeyText second = maker.rotate(first.id(), Duration.ofDays(7));
    ApiKeyText third = maker.rotate(second.id(), Duration.ofDays(7));
    ApiKeyStore ring = ring(NOW);
    for (ApiKeyText key : List.of(first, second, third)) {
      Principal.Key holder = ring.verify(key).orElseThrow();
      assertEquals(key.id(), holder.id());
      assertEquals("key:" + first.id(), holder.limitedAs());
    }
  }

  @Test
  void aChangeToABrokenFileIsRefusedAndLosesNothing() throws IOException {
    Files.writeString(path, "{\"version\":1,\"keys\":");
    assertThrows(KeyFile.Broken.class, () -> make(Set.of(READ), Set.of(), null));
    assertEquals("{\"version\":1,\"keys\":", Files.readString(path));
  }

  @Test
  void aFileOfManyKeysIsReadLikeAnyOther() throws Exception {
    ApiKeyText first = make(Set.of(READ), Set.of(), null);
    file.change(
        keys -> {
          List<KeyEntry> many = new ArrayList<>(keys);
          KeyEntry one = keys.getFirst();
          for (int i = 0; i < 10_000; i++) {
            many.add(
                new KeyEntry(
                    "%012d".formatted(i),
                    one.lineage(),
                    one.hash(),
                    "owner" + i,
                    one.scopes(),
                    one.roles(),
                    one.users(),
                    null,
                    NOW,
                    null,
                    null));
          }
          return many;
        });
    ApiKeyStore ring = ring(NOW);
    assertTrue(ring.isGood());
    assertEquals(10_001, ring.size());
    assertTrue(ring.verify(first).isPresent());
  }

  private static final String BASE62 =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

  @Test
  void aKeyHasAnIdASecretAndTheChecksumOfWhatStandsBefore() {
    String key = ApiKeyText.generate(new SecureRandom()).reveal();
    assertTrue(key.matches("luki_[0-9A-Za-z]{12}_[0-9A-Za-z]{43}[0-9A-Za-z]{6}"));
    CRC32 crc = new CRC32();
    crc.update(key.substring(0, key.length() - 6).getBytes(StandardCharsets.US_ASCII));
    long value = 0;
    for (char digit : key.substring(key.length() - 6).toCharArray()) {
      value = value * 62 + BASE62.indexOf(digit);
    }
    assertEquals(crc.getValue(), value);
  }

  @Test
  void everyChangeOfOneCharacterIsATypo() {
    String key = ApiKeyText.generate(new SecureRandom()).reveal();
    for (int i = 0; i < key.length(); i++) {
      for (char other : "0aZ_".toCharArray()) {
        if (key.charAt(i) != other) {
          String typo = key.substring(0, i) + other + key.substring(i + 1);
          assertFalse(ApiKeyText.parse(typo).isPresent(), "at " + i);
        }
      }
    }
  }

  @Test
  void whatIsAroundAKeyMakesItNone() {
    String key = ApiKeyText.generate(new SecureRandom()).reveal();
    assertTrue(ApiKeyText.parse(key).isPresent());
    for (String wrong :
        Set.of(key + "\n", " " + key, key + "0", key.toUpperCase(Locale.ROOT), "")) {
      assertFalse(ApiKeyText.parse(wrong).isPresent());
    }
  }

  @Test
  void noTwoAreAlikeAndNoneShowsItself() {
    Set<String> seen = new HashSet<>();
    SecureRandom random = new SecureRandom();
    for (int i = 0; i < 1000; i++) {
      ApiKeyText key = ApiKeyText.generate(random);
      assertTrue(seen.add(key.reveal()));
      assertFalse(key.toString().contains(key.reveal().substring(18)));
    }
  }
}
