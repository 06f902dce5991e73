package luki.gateway.json;

import com.fasterxml.jackson.core.JsonParser;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * Reads an object of a service as it arrives, and passes on the items of one of its lists, so that
 * they are not in memory all at once.
 *
 * @param list the name of the member that is the list
 */
public record ItemReader(String list, Items items) {
  /** Receives the items one by one. */
  @FunctionalInterface
  public interface Items {
    /** Receives an item and an upper bound of its memory, in bytes. */
    void item(Json item, long memory) throws IOException;
  }

  /**
   * The object, in which the list is empty.
   *
   * @throws IOException the stream or the receiver failed
   */
  public Json read(InputStream utf8) throws IOException, InvalidJson {
    Reader strict = new InputStreamReader(utf8, StandardCharsets.UTF_8.newDecoder());
    try (JsonParser parser = TreeReader.FACTORY.createParser(strict)) {
      return new Json(
          new TreeReader(parser, TreeReader.LoneSurrogates.REPLACE, null, this).readAll());
    } catch (CharacterCodingException malformed) {
      throw new InvalidJson("", "utf-8");
    }
  }
}
