package luki.http1;

/**
 * The grammar of RFC 9112 §7.1.1: {@code *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted ) ] )}.
 */
final class ChunkExtension {
  private ChunkExtension() {}

  static boolean isValid(byte[] bytes, int from, int end) {
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
