package luki.http1;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Writes messages for a fuzzer to begin with: {@code FuzzSeeds directory count}. */
public final class FuzzSeeds {
  static final List<String> REPLIES =
      List.of(
          "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nT: u\r\n\r\n",
          "HTTP/1.0 200 OK\r\n\r\nabc",
          "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nX: y\r\n\r\n",
          "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
          "HTTP/1.1 502 \r\nConnection: close\r\nContent-Type: a/b\r\n\r\n<p>");

  private FuzzSeeds() {}

  /** Writes one file for each message, below a directory for each target. */
  public static void main(String[] arguments) throws IOException {
    Path requests = directory(arguments[0], RequestFuzz.class);
    Messages messages = new Messages(1);
    for (int i = 0; i < Integer.parseInt(arguments[1]); i++) {
      Files.write(requests.resolve("seed-" + i), messages.next());
    }
    Path replies = directory(arguments[0], ReplyFuzz.class);
    for (int i = 0; i < REPLIES.size(); i++) {
      Files.write(replies.resolve("seed-" + i), Sources.bytes(REPLIES.get(i)));
    }
  }

  private static Path directory(String parent, Class<?> target) throws IOException {
    return Files.createDirectories(Path.of(parent, target.getSimpleName()));
  }
}
