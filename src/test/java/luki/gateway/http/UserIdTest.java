package luki.gateway.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A user id must fit in one segment of a path: else a user's data could not be erased. */
class UserIdTest {
  private static final String PIECES =
      "aZ09%2fFg.;/\\ \u0000\u001f\u007f\u0085é\u2028\ud83d\ude00?#+&=|";

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ".",
        "..",
        "a/b",
        "a\\b",
        "a;b",
        "a\u0000",
        "a\nb",
        "\u007f",
        "\u0085",
        "%2f",
        "a%41",
        "%Ab",
        "a\ud800b",
        "\ude00"
      })
  void anIdThatCouldMeanAnotherPathIsRefused(String text) {
    assertEquals(Optional.empty(), UserId.parse(text));
  }

  @Test
  void itHasAtMost255Characters() {
    assertTrue(UserId.parse("é".repeat(255)).isPresent());
    assertTrue(UserId.parse("\ud83d\ude00".repeat(255)).isPresent());
    assertEquals(Optional.empty(), UserId.parse("a".repeat(256)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"maria_k", "a b", "100%", "%", "%4", "%zz", "...", "a?b#c", "+", "é|ü", "a=b&c"})
  void everyOtherIdIsAccepted(String text) {
    assertTrue(UserId.parse(text).isPresent());
  }

  @Test
  void eachIdSurvivesEncodingInAPathAndInAQuery() {
    Random random = new Random(11);
    int accepted = 0;
    for (int round = 0; round < 200_000; round++) {
      StringBuilder text = new StringBuilder();
      for (int length = 1 + random.nextInt(6); length > 0; length--) {
        text.append(PIECES.charAt(random.nextInt(PIECES.length())));
      }
      UserId user = UserId.parse(text.toString()).orElse(null);
      if (user != null) {
        accepted++;
        String coded = PercentCoding.encode(user.value());
        assertEquals(
            List.of("users", user.value()),
            Target.parse("/users/" + coded).map(Target::segments).orElse(List.of()));
        assertEquals(user.value(), Query.parse("id=" + coded).only("id"));
      }
    }
    assertTrue(accepted > 10_000, accepted + " accepted");
  }
}
