package luki.gateway.tokens;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A good token with anything changed in it is no good token. */
class TokenMutationsTest {
  private static final List<String> ALGORITHMS =
      List.of("RS256", "PS256", "ES256", "ES384", "EdDSA");
  private static final int RANDOM_CHANGES = 100_000;
  private static final long SEED = 20_261_124;
  private static final String LETTERS =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ ";

  private final Forge forge = new Forge();
  private final TokenVerifier verifier = Tokens.verifier(Tokens.set(forge.jwks()), Instant.now());

  private void refused(String token, String what) {
    assertTrue(Tokens.refuses(verifier, token), what + " was taken: " + token);
  }

  @ParameterizedTest
  @ValueSource(strings = {"RS256", "PS256", "ES256", "ES384", "EdDSA"})
  void everyChangeOfOneBitIsRefused(String algorithm) {
    String good = forge.good(algorithm);
    assertTrue(Tokens.accepts(verifier, good));
    byte[] bytes = good.getBytes(StandardCharsets.ISO_8859_1);
    for (int bit = 0; bit < bytes.length * 8; bit++) {
      byte[] changed = bytes.clone();
      changed[bit / 8] ^= (byte) (1 << (bit % 8));
      refused(new String(changed, StandardCharsets.ISO_8859_1), "bit " + bit);
    }
  }

  @Test
  void oneHundredThousandRandomChangesAreRefused() {
    Random random = new Random(SEED);
    List<String> good = ALGORITHMS.stream().map(forge::good).toList();
    Set<String> goodOnes = Set.copyOf(good);
    int tried = 0;
    while (tried < RANDOM_CHANGES) {
      String token = good.get(random.nextInt(good.size()));
      String changed = changed(token, good.get(random.nextInt(good.size())), random);
      if (!goodOnes.contains(changed)) {
        tried++;
        refused(changed, "change " + tried + " of seed " + SEED);
      }
    }
    assertEquals(RANDOM_CHANGES, tried);
  }

  private static String changed(String token, String other, Random random) {
    String next = token;
    for (int n = random.nextInt(4); n >= 0; n--) {
      int at = random.nextInt(next.length());
      char letter = LETTERS.charAt(random.nextInt(LETTERS.length()));
      next =
          switch (random.nextInt(5)) {
            case 0 -> next.substring(0, at) + letter + next.substring(at);
            case 1 -> next.length() < 2 ? next : next.substring(0, at) + next.substring(at + 1);
            case 2 -> partsSwapped(next, other, random);
            default -> next.substring(0, at) + letter + next.substring(at + 1);
          };
    }
    return next;
  }

  /** One part of a token in the place of the same part of another. */
  private static String partsSwapped(String one, String other, Random random) {
    String[] parts = one.split("\\.", -1);
    String[] others = other.split("\\.", -1);
    int part = random.nextInt(Math.min(parts.length, others.length));
    parts[part] = others[part];
    return String.join(".", parts);
  }
}
