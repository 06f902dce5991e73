package luki.graphql;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import luki.gateway.http.Sha256;
import org.jspecify.annotations.Nullable;

/**
 * Documents that clients name by their SHA-256 once they were sent as a whole, as in Automatic
 * Persisted Queries. A bounded number of bytes; the document that was not used for longest goes.
 */
final class PersistedQueries {
  private final int maxBytes;
  private final Map<String, String> documents = new LinkedHashMap<>(16, 0.75f, true);
  private int bytes;

  PersistedQueries(int maxBytes) {
    this.maxBytes = maxBytes;
  }

  /** Keeps a document; false where the hash is not its own. */
  synchronized boolean put(String sha256, String document) {
    byte[] utf8 = document.getBytes(StandardCharsets.UTF_8);
    if (!Sha256.of(utf8).equals(sha256)) {
      return false;
    }
    if (utf8.length <= maxBytes && documents.put(sha256, document) == null) {
      bytes += utf8.length;
      while (bytes > maxBytes) {
        Map.Entry<String, String> eldest = documents.entrySet().iterator().next();
        documents.remove(eldest.getKey());
        bytes -= eldest.getValue().getBytes(StandardCharsets.UTF_8).length;
      }
    }
    return true;
  }

  synchronized @Nullable String get(String sha256) {
    return documents.get(sha256);
  }
}
