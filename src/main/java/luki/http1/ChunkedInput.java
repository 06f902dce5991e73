package luki.http1;

import java.io.EOFException;
import java.io.IOException;
import java.util.Objects;
import luki.http1.BadMessage.Reason;

/**
 * The chunked coding (RFC 9112 §7.1), strictly: sizes of one to eight digits, CRLF only, extensions
 * by their grammar and then ignored, trailers by that of fields and then dropped.
 */
public final class ChunkedInput extends BodyInput {
  private static final int MAX_SIZE_DIGITS = 8;
  private static final int MAX_SIZE_LINE = 1024;

  /** Of all chunks of one body together, so that extensions cannot be the greater part of it. */
  private static final int MAX_EXTENSION_BYTES = 8 * 1024;

  private final InputBuffer source;
  private final HeadLimits trailers;
  // Of the chunk that is being read; 0 before the first, between two and behind the last.
  private long left;
  private boolean ended;
  // From before a read until it succeeds: a read after a failure fails again.
  private boolean broken;
  private int extensionBytes;

  public ChunkedInput(InputBuffer source, HeadLimits trailers) {
    this.source = source;
    this.trailers = trailers;
  }

  @Override
  public boolean isEnded() {
    return ended;
  }

  @Override
  public int read(byte[] into, int offset, int length) throws IOException {
    Objects.checkFromIndexSize(offset, length, into.length);
    if (length == 0) {
      return 0;
    }
    return announced() == 0 ? -1 : data(into, offset, length);
  }

  @Override
  public long announced() throws IOException {
    if (broken) {
      throw new IOException("a body that already failed");
    }
    if (left == 0 && !ended) {
      broken = true;
      left = size();
      if (left == 0) {
        FieldParser.parse(source, trailers);
        ended = true;
      }
      broken = false;
    }
    return left;
  }

  private int data(byte[] into, int offset, int length) throws IOException {
    broken = true;
    int n = source.read(into, offset, (int) Math.min(length, left));
    if (n < 0) {
      throw new EOFException("closed within a chunk");
    }
    left -= n;
    if (left == 0) {
      source.endLine(line(0));
    }
    broken = false;
    return n;
  }

  private int line(int most) throws IOException {
    int end = source.line(most, Reason.CHUNK, Reason.CHUNK);
    if (end < 0) {
      throw new EOFException("closed before or behind a chunk");
    }
    return end;
  }

  private long size() throws IOException {
    int end = line(MAX_SIZE_LINE);
    byte[] bytes = source.bytes();
    int start = source.position();
    int at = start;
    long size = 0;
    while (at < end && Grammar.hex(bytes[at]) >= 0) {
      size = 16 * size + Grammar.hex(bytes[at++]);
      if (at - start > MAX_SIZE_DIGITS) {
        throw new BadMessage(Reason.CHUNK);
      }
    }
    extensionBytes += end - at;
    if (at == start || extensionBytes > MAX_EXTENSION_BYTES || !areExtensions(bytes, at, end)) {
      throw new BadMessage(Reason.CHUNK);
    }
    source.endLine(end);
    return size;
  }

  /**
   * The grammar of RFC 9112 §7.1.1: {@code *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted ) ]
   * )}.
   */
  private static boolean areExtensions(byte[] bytes, int from, int end) {
    int at = from;
    while (at >= 0 && at < end) {
      at = extension(bytes, at, end);
    }
    return at == end;
  }

  /** Behind one extension, or -1. */
  private static int extension(byte[] bytes, int from, int end) {
    int at = skipSpace(bytes, from, end);
    if (at == end || bytes[at] != ';') {
      return -1;
    }
    at = token(bytes, skipSpace(bytes, at + 1, end), end);
    if (at < 0) {
      return -1;
    }
    int equals = skipSpace(bytes, at, end);
    if (equals == end || bytes[equals] != '=') {
      return at;
    }
    int value = skipSpace(bytes, equals + 1, end);
    return value < end && bytes[value] == '"'
        ? quoted(bytes, value + 1, end)
        : token(bytes, value, end);
  }

  private static int skipSpace(byte[] bytes, int from, int end) {
    int at = from;
    while (at < end && Grammar.isSpace(bytes[at])) {
      at++;
    }
    return at;
  }

  private static int token(byte[] bytes, int from, int end) {
    int at = from;
    while (at < end && Grammar.isTokenByte(bytes[at])) {
      at++;
    }
    return at == from ? -1 : at;
  }

  private static int quoted(byte[] bytes, int from, int end) {
    for (int at = from; at < end; at++) {
      if (bytes[at] == '"') {
        return at + 1;
      }
      at += bytes[at] == '\\' ? 1 : 0;
    }
    return -1;
  }
}
