package luki.gateway.json;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Numbers keep their digits, and a number of any size is handled in time. */
class JsonNumbersTest {
  private static Json parsed(String text) {
    return assertDoesNotThrow(() -> Json.parse(text.getBytes(StandardCharsets.UTF_8)));
  }

  @ParameterizedTest
  @CsvSource({
    "0.10, 0.10",
    "1.0, 1.0",
    "2.50, 2.50",
    "-0.0000001, -0.0000001",
    "0.1234567890123456789012345678901234567890, 0.1234567890123456789012345678901234567890",
    "123456789012345678901234567890, 123456789012345678901234567890",
    "9007199254740993, 9007199254740993",
    "-9223372036854775809, -9223372036854775809"
  })
  void keepsADecimalDigitForDigit(String text, String same) {
    Json read = assertDoesNotThrow(() -> Json.parseReply("[" + text + "]"));
    String written = read.toString();
    String digits = written.substring(1, written.length() - 1);
    assertEquals(new BigDecimal(same), new BigDecimal(digits));
    assertEquals(new BigDecimal(same).scale(), new BigDecimal(digits).scale());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "1e999999999",
        "-1e999999999",
        "1e-999999999",
        "1e2147483647",
        "1e2147483648",
        "1e99999999999999999999",
        "0e999999999",
        "1.5E+999999999"
      })
  void aHugeNumberIsHandledInTime(String number) {
    assertTimeoutPreemptively(
        Duration.ofSeconds(5),
        () -> {
          try {
            Json json = Json.parse(("[" + number + "]").getBytes(StandardCharsets.UTF_8));
            OptionalLong whole = json.at(0).integer();
            assertTrue(whole.isEmpty() || whole.getAsLong() == 0, number);
            assertTrue(json.toString().length() < 100, "written out in full");
            Json again = Json.parse(json.bytes());
            assertEquals(json, again);
            assertEquals(json.hashCode(), again.hashCode());
          } catch (InvalidJson refused) {
            assertTrue(List.of("json", "number").contains(refused.rule()));
          }
        });
  }

  @Test
  void numbersOfHundredsOfDigitsAreHandledInTime() {
    assertTimeoutPreemptively(
        Duration.ofSeconds(5),
        () -> {
          for (int digits : List.of(200, 256, 257, 300, 500_000)) {
            for (String number :
                List.of("9".repeat(digits), "0." + "9".repeat(digits), "1e" + "9".repeat(digits))) {
              try {
                Json json = Json.parse(number.getBytes(StandardCharsets.UTF_8));
                assertTrue(json.integer().isEmpty());
                assertTrue(json.toString().length() <= number.length() + 3);
              } catch (InvalidJson refused) {
                assertTrue(List.of("json", "number").contains(refused.rule()));
              }
            }
          }
        });
  }

  /** The schema validator compares integers in 64 bits: 2^64 + 10 would be equal to 10. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "18446744073709551626",
        "1.8446744073709551626e19",
        "18446744073709551626.0",
        "-1e30",
        "9223372036854775808"
      })
  void aCallersNumberBeyond64BitsIsRefused(String number) {
    InvalidJson refused =
        assertThrows(
            InvalidJson.class,
            () -> Json.parse(("{\"n\":" + number + "}").getBytes(StandardCharsets.UTF_8)));
    assertEquals("number", refused.rule());
    assertEquals("/n", refused.pointer());
  }

  @Test
  void integersKeepTheirRange() {
    assertEquals(OptionalLong.of(Long.MAX_VALUE), parsed("9223372036854775807").integer());
    assertEquals(OptionalLong.of(Long.MIN_VALUE), parsed("-9223372036854775808").integer());
    Json beyond = assertDoesNotThrow(() -> Json.parseReply("9223372036854775808"));
    assertEquals(OptionalLong.empty(), beyond.integer());
    assertEquals(OptionalLong.of(100), parsed("1e2").integer());
    assertEquals(OptionalLong.empty(), parsed("1.5").integer());
    assertEquals(OptionalLong.empty(), parsed("\"1\"").integer());
    assertEquals(OptionalLong.empty(), parsed("true").integer());
  }
}
