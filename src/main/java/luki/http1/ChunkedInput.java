package luki.http1;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.EOFException;
import java.io.IOException;
import java.util.HexFormat;
import java.util.Objects;
import java.util.regex.Pattern;
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

  private static final String BWS = "[ \t]*+";
  private static final String VALUE = Grammar.TOKEN_PATTERN + "|\"(?:[^\"\\\\]|\\\\.)*+\"";

  /** RFC 9112 §7.1.1: {@code *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted ) ] )}. */
  private static final Pattern EXTENSIONS =
      Pattern.compile(
          "(?:%1$s;%1$s%2$s(?:%1$s=%1$s(?:%3$s))?+)*+".formatted(BWS, Grammar.TOKEN_PATTERN, VALUE),
          Pattern.DOTALL);

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
      source.endLine(source.line(0, Reason.CHUNK, Reason.CHUNK));
    }
    broken = false;
    return n;
  }

  private long size() throws IOException {
    int end = source.line(MAX_SIZE_LINE, Reason.CHUNK, Reason.CHUNK);
    byte[] bytes = source.bytes();
    int start = source.position();
    int at = start;
    long size = 0;
    while (at < end && HexFormat.isHexDigit(bytes[at])) {
      size = 16 * size + HexFormat.fromHexDigit(bytes[at++]);
      if (at - start > MAX_SIZE_DIGITS) {
        throw new BadMessage(Reason.CHUNK);
      }
    }
    extensionBytes += end - at;
    if (at == start
        || extensionBytes > MAX_EXTENSION_BYTES
        || (at < end
            && !EXTENSIONS.matcher(new String(bytes, at, end - at, ISO_8859_1)).matches())) {
      throw new BadMessage(Reason.CHUNK);
    }
    source.endLine(end);
    return size;
  }
}
