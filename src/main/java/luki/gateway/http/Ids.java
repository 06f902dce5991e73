package luki.gateway.http;

import java.util.HexFormat;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import luki.http1.AsciiSet;
import luki.http1.Fields;

/** The ids of a request: those that its head brings, where they are valid, else new ones. */
public record Ids(Supplier<? extends RandomGenerator> random) {
  public RequestId requestId(Fields headers) {
    String sent = headers.only("X-Request-Id");
    return new RequestId(sent != null && RequestId.isHarmless(sent) ? sent : hex(random.get()));
  }

  /** The trace that {@code traceparent} continues, or a new one. */
  public TraceContext trace(Fields headers) {
    String spanId = HexFormat.of().toHexDigits(random.get().nextLong() | 1);
    String parent = headers.only("traceparent");
    return parent != null && TraceContext.isParent(parent)
        ? TraceContext.continuing(parent, String.join(",", headers.all("tracestate")), spanId)
        : new TraceContext(hex(random.get()), "", spanId, "00", "");
  }

  /** 32 digits, random and not all zero, which W3C Trace Context §3.2.2.3 forbids. */
  public static String hex(RandomGenerator random) {
    byte[] value = new byte[16];
    random.nextBytes(value);
    value[0] |= 1;
    return HexFormat.of().formatHex(value);
  }

  /** The id of a request: a valid one from the caller, or a generated one. */
  public record RequestId(String value) {
    private static final int MAX_LENGTH = 128;
    private static final AsciiSet CHARACTERS = AsciiSet.alphanumericAnd("._-");

    public RequestId {
      if (!isHarmless(value)) {
        throw new IllegalArgumentException("not a request id");
      }
    }

    /** 1 to 128 of {@code A-Za-z0-9._-}. */
    private static boolean isHarmless(String text) {
      return !text.isEmpty()
          && text.length() <= MAX_LENGTH
          && CHARACTERS.containsAll(text, 0, text.length());
    }
  }
}
