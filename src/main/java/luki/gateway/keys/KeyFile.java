package luki.gateway.keys;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;
import luki.gateway.config.OwnerOnly;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;

/** The file of API keys, mode 0600. */
public record KeyFile(Path path) {
  /** The content is not a key file. The message contains nothing of it. */
  public static final class Broken extends Exception {
    private static final long serialVersionUID = 1L;

    Broken(String problem) {
      super(problem);
    }
  }

  /** The keys; none when there is no file. */
  public List<KeyEntry> read() throws IOException, Broken {
    if (!Files.exists(path)) {
      return List.of();
    }
    try {
      // Without the bound on the number of values, which is for callers.
      Json root = Json.parseReply(Files.readAllBytes(path));
      if (root.at("version").integer().orElse(0) != 1 || !root.at("keys").isArray()) {
        throw new Broken("must be {\"version\": 1, \"keys\": […]}");
      }
      return root.at("keys").items().stream().map(KeyEntry::of).toList();
    } catch (InvalidJson notJson) {
      throw new Broken("must be JSON");
    } catch (IllegalArgumentException malformed) {
      throw new Broken("has a key with a missing or invalid member");
    }
  }

  /**
   * Changes the keys under a lock of the file; nothing is written when the same list comes back.
   */
  public void change(UnaryOperator<List<KeyEntry>> change) throws IOException, Broken {
    OwnerOnly.<Broken>change(
        path,
        () -> {
          List<KeyEntry> before = read();
          List<KeyEntry> after = change.apply(before);
          return after.equals(before) ? null : text(after);
        });
  }

  private static String text(List<KeyEntry> keys) {
    return Json.object()
            .put("version", 1)
            .put("keys", Json.array(keys.stream().map(KeyEntry::toJson).toList()))
            .build()
            .pretty()
        + "\n";
  }
}
