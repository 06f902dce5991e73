package luki.gateway.handler;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import luki.gateway.standin.Reply;

/** The recorded exchanges and the table of what each means for a caller of the gateway. */
final class SampleReplays {
  static final JsonMapper MAPPER = JsonMapper.builder().build();

  private static final Path SAMPLES = Path.of("test-fixtures", "downstream-samples");
  private static final Path TABLE =
      Path.of("src", "test", "resources", "luki", "gateway", "handler", "sample-replays.txt");
  private static final List<String> SERVICES =
      List.of("agent", "memory", "security", "engagement", "cognitive", "reporting");

  private static final int MIN_TEXT = 6; // Shorter ones stand in any reply by chance.

  private SampleReplays() {}

  /** A recorded exchange; two with the same note are distinguished by their paths. */
  record Sample(String service, JsonNode pair) {
    String method() {
      return pair.path("request").path("method").asText();
    }

    String path() {
      return pair.path("request").path("path").asText();
    }

    JsonNode response() {
      return pair.path("response");
    }

    JsonNode body() {
      return response().path("body");
    }
  }

  /** All pairs by their names in the table. */
  static Map<String, Sample> samples() throws IOException {
    Map<String, Sample> samples = new LinkedHashMap<>();
    for (String service : SERVICES) {
      JsonNode pairs = MAPPER.readTree(Files.readString(SAMPLES.resolve(service + ".json")));
      Map<String, Integer> notes = new LinkedHashMap<>();
      pairs.forEach(pair -> notes.merge(pair.path("note").asText(), 1, Integer::sum));
      for (JsonNode pair : pairs) {
        Sample sample = new Sample(service, pair);
        String note = pair.path("note").asText();
        String name = service + ": " + note + (notes.get(note) > 1 ? " @ " + sample.path() : "");
        if (samples.put(name, sample) != null) {
          throw new AssertionError("two pairs are called " + name);
        }
      }
    }
    return samples;
  }

  /** A block of the table. */
  record Row(String name, Map<Character, List<String>> lines) {
    String only(char kind) {
      List<String> found = all(kind);
      if (found.size() != 1) {
        throw new AssertionError(name + " has " + found.size() + " lines of " + kind);
      }
      return found.getFirst();
    }

    List<String> all(char kind) {
      return lines.getOrDefault(kind, List.of());
    }

    boolean has(char kind) {
      return lines.containsKey(kind);
    }

    /** The words of the public request: method, target and the body, which may be missing. */
    String[] request() {
      return only('>').split(" ", 3);
    }

    int status() {
      return Integer.parseInt(only('<').substring(0, 3));
    }

    String code() {
      return only('<').substring(3).strip();
    }

    @Override
    public String toString() {
      return name + (has('>') ? " > " + request()[0] + " " + request()[1] : "");
    }
  }

  static List<Row> rows() throws IOException {
    List<Row> rows = new ArrayList<>();
    for (String block : Files.readString(TABLE).split("\n\n+", -1)) {
      List<String> lines = block.lines().filter(line -> !line.startsWith("#")).toList();
      if (!lines.isEmpty()) {
        Map<Character, List<String>> byKind = new LinkedHashMap<>();
        for (String line : lines.subList(1, lines.size())) {
          byKind.computeIfAbsent(line.charAt(0), _ -> new ArrayList<>()).add(line.substring(2));
        }
        rows.add(new Row(lines.getFirst(), byKind));
      }
    }
    return rows;
  }

  /** The recorded reply, for a stand-in. */
  static Reply reply(Sample sample) {
    Map<String, String> headers = new LinkedHashMap<>();
    sample
        .response()
        .path("headers")
        .properties()
        .forEach(header -> headers.put(header.getKey(), header.getValue().asText()));
    headers.keySet().removeIf(Set.of("content-length", "transfer-encoding")::contains);
    JsonNode body = sample.body();
    String text = body.isTextual() ? body.asText() : body.toString();
    return new Reply(sample.response().path("status").asInt(), headers, text, Duration.ZERO);
  }

  /** The texts of a failure in a reply, and the target of a redirect. */
  static Set<String> textsOfFailures(JsonNode response) {
    Set<String> texts = new TreeSet<>();
    response.path("headers").properties().stream()
        .filter(header -> header.getKey().equalsIgnoreCase("location"))
        .forEach(header -> texts.add(header.getValue().asText()));
    JsonNode body = response.path("body");
    for (String name : List.of("detail", "errors", "message", "error")) {
      body.findValues(name).forEach(found -> addLeaves(found, texts));
    }
    if (body.asText().contains("\"error\"")) {
      texts.add("Prompt template not found");
    }
    texts.removeIf(text -> text.length() < MIN_TEXT);
    return texts;
  }

  private static void addLeaves(JsonNode node, Set<String> texts) {
    if (node.isTextual()) {
      texts.add(node.asText());
    }
    // Place and kind of an error are part of the interface, not the service's text.
    node.properties().stream()
        .filter(field -> !Set.of("loc", "type").contains(field.getKey()))
        .forEach(field -> addLeaves(field.getValue(), texts));
    if (node.isArray()) {
      node.forEach(child -> addLeaves(child, texts));
    }
  }
}
