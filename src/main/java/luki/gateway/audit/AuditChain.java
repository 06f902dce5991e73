package luki.gateway.audit;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import luki.gateway.http.Sha256;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.gateway.observe.Segments;

/**
 * The hash chain of audit records: a record's hash is the SHA-256 of its text, which contains the
 * hash of the record before it. A truncated end cannot be detected from the file alone; the last
 * hash, stored elsewhere, shows it.
 */
public final class AuditChain {
  private static final Pattern HASH = Pattern.compile("^(.*),\"hash\":\"([0-9a-f]{64})\"\\}$");

  private AuditChain() {}

  /** A record and its place in the chain. */
  record Link(long number, String hash, String line) {
    /** The link before the first record. */
    static final Link FIRST = new Link(0, "0".repeat(64), "");

    Link next(AuditRecord entry) {
      String text =
          entry.members().put("number", number + 1).put("previous", hash).build().toString();
      String body = text.substring(0, text.length() - 1);
      String sum = Sha256.of(body);
      return new Link(number + 1, sum, body + ",\"hash\":\"" + sum + "\"}\n");
    }

    /** The link of a line of the file; empty when it is none or its hash is wrong. */
    static Optional<Link> of(String line) {
      Matcher parts = HASH.matcher(line);
      if (!parts.matches() || !Sha256.of(parts.group(1)).equals(parts.group(2))) {
        return Optional.empty();
      }
      try {
        Json entry = Json.parse(line.getBytes(StandardCharsets.UTF_8));
        long number = entry.at("number").integer().orElse(0);
        return number < 1
            ? Optional.empty()
            : Optional.of(new Link(number, parts.group(2), line + "\n"));
      } catch (InvalidJson malformed) {
        return Optional.empty();
      }
    }

    boolean follows(Link before) {
      return number == before.number + 1 && line.contains("\"previous\":\"" + before.hash + "\"");
    }
  }

  /** The result of a verification. */
  public sealed interface ChainCheck {
    /**
     * Every record is as it was written.
     *
     * @param lastHash to be stored elsewhere, so that a truncated end can be detected
     */
    record Whole(long records, String lastHash) implements ChainCheck {}

    /** The record on this line of this file, counted from 1, was changed or moved. */
    record Broken(Path file, long line) implements ChainCheck {}
  }

  /** Reads a file, after those that it was rotated to, line by line. */
  public static ChainCheck verify(Path file) throws IOException {
    Segments segments = new Segments(file);
    while (true) {
      List<Integer> complete = segments.numbers();
      Stream<Path> files = Stream.concat(complete.stream().map(segments::path), Stream.of(file));
      ChainCheck check = verify(files.toList());
      // Otherwise the file was rotated in the meantime.
      if (segments.numbers().equals(complete)) {
        return check;
      }
    }
  }

  private static ChainCheck verify(List<Path> files) throws IOException {
    Link before = Link.FIRST;
    for (Path file : files) {
      long number = 0;
      // Not Files.newBufferedReader: malformed UTF-8 is a broken record, not an error.
      try (BufferedReader lines =
          new BufferedReader(
              new InputStreamReader(Files.newInputStream(file), StandardCharsets.UTF_8))) {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
          number++;
          Optional<Link> link = Link.of(line);
          if (link.isEmpty() || !link.get().follows(before)) {
            return new ChainCheck.Broken(file, number);
          }
          before = link.get();
        }
      }
    }
    return new ChainCheck.Whole(before.number, before.hash);
  }
}
