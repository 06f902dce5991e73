package luki.gateway.keys;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;

class ApiKeyTextTest {
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
