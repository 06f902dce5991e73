package luki.gateway.limit;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
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

  final String text;
  private final String head;
  private final int words;

  private Script(int keys, int arguments, String... parts) {
    this.text =
        Stream.of(parts)
            .map(part -> ClassPath.text(Script.class, part + ".lua"))
            .collect(Collectors.joining());
    this.words = keys + arguments;
    this.head =
        "*%d\r\n$7\r\nEVALSHA\r\n$40\r\n%s\r\n$1\r\n%d\r\n".formatted(3 + words, sha1(text), keys);
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

  /** A call of {@link #LEASE}, whose bucket instances share; negative units are returned. */
  static Call lease(String key, Rate rate, long units) {
    return new Call(LEASE, key).add(key).add("").add(rate.interval()).add(rate.burst()).add(units);
  }

  /**
   * One run of a script: the command as it is sent, in one buffer with a character for each byte
   * (RESP: each word after its length), and the reply.
   */
  static final class Call {
    private static final int MIN_ROOM = 256;
    private static final int WORD_ROOM = 20;

    final String tag;
    final CompletableFuture<long[]> reply = new CompletableFuture<>();
    private final StringBuilder command;
    private byte[] bulk = new byte[0];
    private int missing;

    /**
     * Begins a call; its keys are to be added, then its arguments.
     *
     * @param tag the hash tag of its keys, or its only key: all are on the same node
     */
    Call(Script script, String tag) {
      this.tag = tag;
      this.command = new StringBuilder(MIN_ROOM + WORD_ROOM * script.words).append(script.head);
      this.missing = script.words;
    }

    private Call(Call same) {
      this.tag = same.tag;
      this.command = same.command;
    }

    /** The same call, to be submitted once more. */
    Call again() {
      return new Call(this);
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
      begin(word.length()).append(word).append("\r\n");
      return this;
    }

    Call add(byte[] word) {
      return add(new String(word, StandardCharsets.ISO_8859_1));
    }

    /** Adds the key of a caller; the braces are the hash tag. */
    Call addKey(String name, String suffix) {
      begin(8 + tag.length() + name.length() + suffix.length())
          .append("luki:{")
          .append(tag)
          .append("}:")
          .append(name)
          .append(suffix)
          .append("\r\n");
      return this;
    }

    Call add(long number) {
      int digits = number < 0 ? 2 : 1;
      for (long rest = number / 10; rest != 0; rest /= 10) {
        digits++;
      }
      begin(digits).append(number).append("\r\n");
      return this;
    }

    /** Begins a word of that many bytes. */
    private StringBuilder begin(int size) {
      missing--;
      return command.append('$').append(size).append("\r\n");
    }

    void writeTo(OutputStream out) throws IOException {
      if (missing != 0) {
        throw new IllegalStateException("words missing: " + missing);
      }
      out.write(command.toString().getBytes(StandardCharsets.ISO_8859_1));
    }
  }
}
