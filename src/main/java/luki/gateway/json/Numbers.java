package luki.gateway.json;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.DecimalNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.math.BigDecimal;
import org.jspecify.annotations.Nullable;

/** Numbers, digit for digit and of bounded length. */
final class Numbers {
  /** Maximum length of a number, and of the number without an exponent. */
  private static final int MAX_DIGITS = 256;

  /** So many digits are less than 2^63. */
  private static final int LONG_DIGITS = 18;

  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  private Numbers() {}

  /** The number that the parser is at; null if it is too long, or too large for a caller's. */
  static @Nullable JsonNode read(JsonParser parser, boolean fromCaller) throws IOException {
    if (parser.getTextLength() > MAX_DIGITS) {
      return null;
    }
    return parser.currentToken() == JsonToken.VALUE_NUMBER_INT
        ? integer(parser)
        : decimal(parser, fromCaller);
  }

  private static JsonNode integer(JsonParser parser) throws IOException {
    return switch (parser.getNumberType()) {
      case INT -> NODES.numberNode(parser.getIntValue());
      case LONG -> NODES.numberNode(parser.getLongValue());
      case BIG_INTEGER, FLOAT, DOUBLE, BIG_DECIMAL -> NODES.numberNode(parser.getBigIntegerValue());
    };
  }

  private static @Nullable JsonNode decimal(JsonParser parser, boolean fromCaller)
      throws IOException {
    BigDecimal value;
    try {
      value = parser.getDecimalValue();
    } catch (JsonProcessingException | NumberFormatException vast) {
      return null;
    }
    long digits = (long) value.precision() - value.scale();
    if (fromCaller && digits > MAX_DIGITS) {
      return null;
    }
    return digits <= LONG_DIGITS ? NODES.numberNode(value) : new LargeDecimal(value);
  }

  /**
   * A decimal that may be beyond 64 bits. The schema validator compares whole ones as a long, which
   * would be the lowest bits: 10 for 2^64 + 10.
   */
  private static final class LargeDecimal extends DecimalNode {
    private static final long serialVersionUID = 1L;

    LargeDecimal(BigDecimal value) {
      super(value);
    }

    @Override
    public long longValue() {
      return canConvertToLong()
          ? super.longValue()
          : _value.signum() < 0 ? Long.MIN_VALUE : Long.MAX_VALUE;
    }
  }
}
