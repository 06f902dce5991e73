package luki.gateway.limit;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import luki.gateway.http.ClassPath;

/**
 * A Lua script that Redis runs atomically. Its reply is one whole number or a list of them, which
 * may end with bytes.
 */
final class Script {
  static final Script ADMIT = new Script(3, 15, "clock", "caller", "admit");
  static final Script EXTEND = new Script(4, 13, "clock", "caller", "extend");
  static final Script SETTLE = new Script(4, 11, "clock", "caller", "settle");
  static final Script USAGE = new Script(3, 7, "clock", "caller", "usage");
  static final Script RATE = new Script(1, 4, "clock", "rate");
  static final Script LEASE = new Script(1, 4, "clock", "lease");
  static final Script CLAIM = new Script(1, 3, "claim");
  static final Script KEEP = new Script(1, 4, "keep");
  static final Script MARK = new Script(1, 2, "mark");
  static final Script PUT = new Script(1, 2, "put");
  static final Script TAKE = new Script(1, 0, "take");

  /** What a connection loads before it is used. */
  static final List<Script> ALL =
      List.of(ADMIT, EXTEND, SETTLE, USAGE, RATE, LEASE, CLAIM, KEEP, MARK, PUT, TAKE);

  private final String text;
  private final byte[] head;
  private final int words;

  private Script(int keys, int arguments, String... parts) {
    this.text =
        Stream.of(parts)
            .map(part -> ClassPath.text(Script.class, part + ".lua"))
            .collect(Collectors.joining());
    this.words = keys + arguments;
    this.head =
        "*%d\r\n$7\r\nEVALSHA\r\n$40\r\n%s\r\n$1\r\n%d\r\n"
            .formatted(3 + words, sha1(text), keys)
            .getBytes(StandardCharsets.US_ASCII);
  }

  private static String sha1(String text) {
    try {
      // Redis identifies a script by its SHA-1; no security depends on it.
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-1").digest(bytes));
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  String text() {
    return text;
  }

  /** A call of {@link #LEASE}, whose bucket instances share; negative units are returned. */
  static Call lease(String key, Rate rate, long units) {
    return new Call(LEASE, key).add(key).add("").add(rate.interval()).add(rate.burst()).add(units);
  }

  /**
   * One run of a script: the command as it is sent, in one array (RESP: each word after its
   * length), and the reply.
   */
  static final class Call {
    private static final int MIN_ROOM = 128;
    private static final int MAX_DIGITS = 20;

    private final String tag;
    private final CompletableFuture<long[]> reply = new CompletableFuture<>();
    private byte[] bulk = new byte[0];
    private byte[] bytes;
    private int length;
    private int missing;

    /**
     * Begins a call; its keys are to be added, then its arguments.
     *
     * @param tag the hash tag of its keys, or its only key: all are on the same node
     */
    Call(Script script, String tag) {
      this.tag = tag;
      this.length = script.head.length;
      this.bytes = Arrays.copyOf(script.head, length + MIN_ROOM + MAX_DIGITS * script.words);
      this.missing = script.words;
    }

    private Call(Call same) {
      this.tag = same.tag;
      this.bytes = same.bytes;
      this.length = same.length;
    }

    /** The same call, to be submitted once more. */
    Call again() {
      return new Call(this);
    }

    String tag() {
      return tag;
    }

    CompletableFuture<long[]> reply() {
      return reply;
    }

    /** The bytes at the end of the reply. */
    byte[] bulk() {
      return bulk;
    }

    /** To be called before the reply is completed. */
    void bulk(byte[] end) {
      bulk = end;
    }

    void fail(Throwable failure) {
      reply.completeExceptionally(failure);
    }

    /** Adds a word of ASCII. */
    Call add(String word) {
      return begin(word.length()).put(word).put("\r\n");
    }

    Call add(byte[] word) {
      begin(word.length);
      System.arraycopy(word, 0, bytes, length, word.length);
      length += word.length;
      return put("\r\n");
    }

    /** Adds the key of a caller; the braces are the hash tag. */
    Call addKey(String name, String suffix) {
      return begin(8 + tag.length() + name.length() + suffix.length())
          .put("luki:{")
          .put(tag)
          .put("}:")
          .put(name)
          .put(suffix)
          .put("\r\n");
    }

    Call add(long number) {
      int digits = digits(number);
      return begin(digits).put(number, digits).put("\r\n");
    }

    private static int digits(long number) {
      int digits = number < 0 ? 2 : 1;
      for (long rest = number / 10; rest != 0; rest /= 10) {
        digits++;
      }
      return digits;
    }

    /** Begins a word of that many bytes. */
    private Call begin(int size) {
      missing--;
      if (bytes.length - length < size + MAX_DIGITS) {
        bytes = Arrays.copyOf(bytes, 2 * bytes.length + size);
      }
      bytes[length++] = '$';
      return put(size, digits(size)).put("\r\n");
    }

    @SuppressWarnings("deprecation") // The text is ASCII: each character is its low byte.
    private Call put(String ascii) {
      ascii.getBytes(0, ascii.length(), bytes, length);
      length += ascii.length();
      return this;
    }

    private Call put(long number, int size) {
      int at = length + size;
      // From the last digit; a remainder has the sign of the number.
      long rest = number;
      do {
        bytes[--at] = (byte) ('0' + Math.abs(rest % 10));
        rest /= 10;
      } while (rest != 0);
      if (number < 0) {
        bytes[--at] = '-';
      }
      length += size;
      return this;
    }

    void writeTo(OutputStream out) throws IOException {
      if (missing != 0) {
        throw new IllegalStateException("words missing: " + missing);
      }
      out.write(bytes, 0, length);
    }
  }
}
