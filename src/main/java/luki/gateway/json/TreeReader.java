package luki.gateway.json;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.util.JsonRecyclerPools;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Tokens to a tree: one pass that refuses duplicate keys, deep nesting and halves of surrogate
 * pairs (RFC 8259 §4, §8.2, §9) and may note the line of each value.
 */
final class TreeReader {
  static final int MAX_DEPTH = 64;

  /** Maximum number of values in a caller's text. */
  private static final int MAX_VALUES = 50_000;

  /** The same in a service's. */
  private static final int MAX_REPLY_VALUES = 500_000;

  private static final long MEMORY_OF_VALUE = 160;

  private static final int KEPT_BUFFERS = 64;

  /** How to treat half of a surrogate pair, which UTF-8 cannot encode. */
  enum LoneSurrogates {
    REFUSE,
    REPLACE
  }

  // By default each thread that has read or written keeps 8 to 18 KB of buffers for its next time;
  // here most threads are virtual and wait, each for its client.
  static final JsonFactory FACTORY =
      JsonFactory.builder()
          .recyclerPool(JsonRecyclerPools.newBoundedPool(KEPT_BUFFERS))
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MAX_DEPTH + 1)
                  .maxStringLength(Integer.MAX_VALUE)
                  .maxNameLength(4096)
                  // Checked by Numbers: here the place in the text is not known.
                  .maxNumberLength(Integer.MAX_VALUE)
                  .build())
          .build();
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  private final JsonParser parser;
  private final LoneSurrogates lone;
  private final @Nullable Map<String, Integer> lines;
  private final @Nullable ItemReader list;
  private int values;

  TreeReader(
      JsonParser parser,
      LoneSurrogates lone,
      @Nullable Map<String, Integer> lines,
      @Nullable ItemReader list) {
    this.parser = parser;
    this.lone = lone;
    this.lines = lines;
    this.list = list;
  }

  private static final long[] MEMORY = memory();

  /** What a byte of a text may add to the tree: of plain text itself, of structure the objects. */
  private static long[] memory() {
    long[] bytes = new long[256];
    // Others than ASCII are decoded to a text of two bytes a character first.
    Arrays.fill(bytes, 0, 128, 1);
    Arrays.fill(bytes, 128, 256, 6);
    bytes['{'] = 160;
    bytes['['] = 104;
    bytes[','] = 64;
    bytes[':'] = 64;
    return bytes;
  }

  static long memoryOf(byte[] utf8, int from, int to) {
    long sum = 0;
    for (int i = from; i < to; i++) {
      sum += MEMORY[utf8[i] & 0xff];
    }
    return sum;
  }

  /** Reads one value in strict UTF-8. */
  static JsonNode read(byte[] utf8, LoneSurrogates lone) throws InvalidJson {
    if (!isPlain(utf8)) {
      return read(decoded(utf8), lone);
    }
    try (JsonParser parser = FACTORY.createParser(utf8)) {
      return new TreeReader(parser, lone, null, null).readAll();
    } catch (IOException cannotBe) {
      throw new UncheckedIOException(cannotBe);
    }
  }

  static boolean isReply(byte[] utf8) {
    try {
      JsonNode _ = read(utf8, LoneSurrogates.REPLACE);
      return true;
    } catch (InvalidJson refused) {
      return false;
    }
  }

  static JsonNode read(String text, LoneSurrogates lone) throws InvalidJson {
    try (JsonParser parser = FACTORY.createParser(text)) {
      return new TreeReader(parser, lone, null, null).readAll();
    } catch (IOException cannotBe) {
      throw new UncheckedIOException(cannotBe);
    }
  }

  /**
   * ASCII without NUL, which every reader of bytes decodes alike. Jackson's is lenient about other
   * bytes: it takes overlong forms, and guesses UTF-16 from zeros.
   */
  static boolean isPlain(byte[] bytes) {
    for (byte octet : bytes) {
      if (octet <= 0) {
        return false;
      }
    }
    return true;
  }

  private static String decoded(byte[] utf8) throws InvalidJson {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(utf8)).toString();
    } catch (CharacterCodingException malformed) {
      throw new InvalidJson("", "utf-8");
    }
  }

  /** Reads exactly one value and the end of the text. */
  JsonNode readAll() throws IOException, InvalidJson {
    try {
      if (parser.nextToken() == null) {
        throw InvalidJson.notJson(parser.currentLocation());
      }
      JsonNode root = value(0);
      if (parser.nextToken() != null) {
        throw InvalidJson.notJson(parser.currentTokenLocation());
      }
      return root;
    } catch (JsonProcessingException malformed) {
      if (lines != null && !(malformed instanceof StreamConstraintsException)) {
        throw malformed;
      }
      throw InvalidJson.notJson(malformed.getLocation());
    }
  }

  /** Breaks a rule at the value, or member, that the parser is at. */
  private InvalidJson invalid(String rule) {
    return new InvalidJson(pointer(), rule);
  }

  /** Only made when it is asked for: for an error, and for each value of a file. */
  private String pointer() {
    StringBuilder pointer = new StringBuilder();
    JsonPointer left = parser.getParsingContext().pathAsPointer();
    for (; !left.matches(); left = left.tail()) {
      pointer.append('/').append(InvalidJson.escape(left.getMatchingProperty()));
    }
    return pointer.toString();
  }

  private JsonNode value(int depth) throws IOException, InvalidJson {
    values++;
    int most = lone == LoneSurrogates.REFUSE ? MAX_VALUES : MAX_REPLY_VALUES;
    if (lines == null && values > most) {
      throw new InvalidJson("", "size");
    }
    if (lines != null) {
      lines.put(pointer(), parser.currentTokenLocation().getLineNr());
    }
    return switch (parser.currentToken()) {
      case START_OBJECT -> object(deeper(depth));
      case START_ARRAY -> array(deeper(depth));
      case VALUE_STRING -> NODES.textNode(text(parser.getText()));
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> number();
      case VALUE_TRUE -> NODES.booleanNode(true);
      case VALUE_FALSE -> NODES.booleanNode(false);
      case VALUE_NULL -> NODES.nullNode();
      case END_OBJECT, END_ARRAY, FIELD_NAME, VALUE_EMBEDDED_OBJECT, NOT_AVAILABLE ->
          throw invalid("json");
    };
  }

  private int deeper(int depth) throws InvalidJson {
    if (depth == MAX_DEPTH) {
      throw invalid("nesting");
    }
    return depth + 1;
  }

  private JsonNode object(int depth) throws IOException, InvalidJson {
    ObjectNode node = NODES.objectNode();
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String name = text(parser.currentName());
      if (node.has(name)) {
        throw invalid("duplicate");
      }
      parser.nextToken();
      node.set(name, list != null && depth == 1 ? member(list, name) : value(depth));
    }
    return node;
  }

  private JsonNode member(ItemReader reader, String name) throws IOException, InvalidJson {
    if (!name.equals(reader.list()) || parser.currentToken() != JsonToken.START_ARRAY) {
      return value(1);
    }
    int before = values;
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      values = 0;
      long from = parser.currentTokenLocation().getCharOffset();
      Json item = new Json(value(2));
      long chars = parser.currentLocation().getCharOffset() - from;
      reader.items().item(item, MEMORY_OF_VALUE * values + Character.BYTES * chars);
    }
    values = before;
    return NODES.arrayNode();
  }

  private JsonNode array(int depth) throws IOException, InvalidJson {
    ArrayNode node = NODES.arrayNode();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      node.add(value(depth));
    }
    return node;
  }

  private JsonNode number() throws IOException, InvalidJson {
    JsonNode number = Numbers.read(parser, lone == LoneSurrogates.REFUSE);
    if (number == null) {
      throw invalid("number");
    }
    return number;
  }

  private String text(String text) throws InvalidJson {
    for (int i = 0; i < text.length(); i++) {
      if (Character.isSurrogate(text.charAt(i))) {
        return paired(text);
      }
    }
    return text;
  }

  private String paired(String text) throws InvalidJson {
    StringBuilder out = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); ) {
      int codePoint = text.codePointAt(i);
      i += Character.charCount(codePoint);
      boolean half = codePoint >= Character.MIN_SURROGATE && codePoint <= Character.MAX_SURROGATE;
      if (half && lone == LoneSurrogates.REFUSE) {
        throw invalid("unicode");
      }
      out.appendCodePoint(half ? 0xFFFD : codePoint);
    }
    return out.toString();
  }
}
