package luki.grpc;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Reads the user from the bytes of a message, without its classes. Parsers take the last of several
 * values and merge messages that occur several times, and some cut a number that is too long; so
 * all occurrences must agree, and whatever parsers may read differently is refused.
 */
final class OwnerReader {
  private static final int VARINT = 0;
  private static final int FIXED64 = 1;
  private static final int LENGTH = 2;
  private static final int GROUP = 3;
  private static final int END_GROUP = 4;
  private static final int FIXED32 = 5;
  private static final int MAX_GROUPS = 32;
  private static final int MAX_VARINT = 10;
  // Of a tag or a length: 32 bits.
  private static final int MAX_SHORT_VARINT = 5;

  private final int[] path;

  OwnerReader(OwnerPath path) {
    this.path = path.numbers().stream().mapToInt(Integer::intValue).toArray();
  }

  /** The message is not one that all parsers read alike. */
  static final class Malformed extends Exception {
    private static final long serialVersionUID = 1L;

    private final String rule;

    private Malformed(String rule) {
      super(rule);
      this.rule = rule;
    }

    /** The rule that it broke. */
    String rule() {
      return rule;
    }

    /** No stack trace: clients decide how often it is thrown. */
    @Override
    public Throwable fillInStackTrace() {
      return this;
    }
  }

  /**
   * The user, or null where the message names none.
   *
   * @throws Malformed the bytes are no message, or name several users
   */
  @Nullable String read(byte[] message) throws Malformed {
    Scan scan = new Scan(message);
    scan.message(path, 0, message.length);
    return scan.found;
  }

  private static final class Scan {
    private final byte[] bytes;
    private int at;
    private int end;
    private @Nullable String found;

    Scan(byte[] bytes) {
      this.bytes = bytes;
    }

    /** Reads the message that ends there, as deep as the path goes. */
    void message(int[] path, int depth, int until) throws Malformed {
      int outer = end;
      end = until;
      while (at < end) {
        int tag = shortVarint();
        if (tag >>> 3 != path[depth]) {
          skip(tag);
        } else if ((tag & 7) != LENGTH) {
          throw new Malformed("type");
        } else if (depth == path.length - 1) {
          text();
        } else {
          int length = length();
          message(path, depth + 1, at + length);
        }
      }
      end = outer;
    }

    private void text() throws Malformed {
      int length = length();
      String text;
      try {
        text =
            StandardCharsets.UTF_8
                .newDecoder()
                .decode(ByteBuffer.wrap(bytes, at, length))
                .toString();
      } catch (CharacterCodingException invalid) {
        throw new Malformed("utf8");
      }
      at += length;
      if (found != null && !found.equals(text)) {
        throw new Malformed("differs");
      }
      found = text;
    }

    private void skip(int tag) throws Malformed {
      int[] groups = new int[0];
      int depth = 0;
      int current = tag;
      while (true) {
        int field = current >>> 3;
        if (field == 0) {
          throw new Malformed("tag");
        }
        switch (current & 7) {
          case VARINT -> varint();
          case FIXED64 -> advance(8);
          case LENGTH -> advance(length());
          case FIXED32 -> advance(4);
          case GROUP -> {
            groups = depth == 0 ? new int[MAX_GROUPS] : groups;
            if (depth == MAX_GROUPS) {
              throw new Malformed("depth");
            }
            groups[depth++] = field;
          }
          case END_GROUP -> {
            if (depth == 0 || groups[--depth] != field) {
              throw new Malformed("group");
            }
          }
          default -> throw new Malformed("tag");
        }
        if (depth == 0) {
          return;
        }
        current = shortVarint();
      }
    }

    private void advance(int count) throws Malformed {
      if (count > end - at) {
        throw new Malformed("length");
      }
      at += count;
    }

    /** A length within the message. */
    private int length() throws Malformed {
      int length = shortVarint();
      if (length < 0 || length > end - at) {
        throw new Malformed("length");
      }
      return length;
    }

    private byte next() throws Malformed {
      if (at >= end) {
        throw new Malformed("length");
      }
      return bytes[at++];
    }

    /** Of 32 bits: a longer one is refused, as some parsers cut it. */
    private int shortVarint() throws Malformed {
      long value = 0;
      for (int i = 0; i < MAX_SHORT_VARINT; i++) {
        byte next = next();
        value |= (long) (next & 0x7f) << (7 * i);
        if (next >= 0) {
          if (value >>> 32 != 0) {
            break;
          }
          return (int) value;
        }
      }
      throw new Malformed("varint");
    }

    private void varint() throws Malformed {
      for (int i = 0; i < MAX_VARINT; i++) {
        if (next() >= 0) {
          return;
        }
      }
      throw new Malformed("varint");
    }
  }
}
