package luki.gateway.handler;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * A chat stream as a client received it, parsed by the strict form that the gateway promises and
 * not by the lenient grammar: a deviation is an assertion error.
 *
 * @param comments number of comments
 * @param rest the text after the last complete event
 */
record ReceivedEvents(List<Event> events, int comments, String rest) {
  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  /** An event; an absent name or id is the empty string. */
  record Event(String name, String id, JsonNode data) {}

  static ReceivedEvents of(String text) {
    List<Event> events = new ArrayList<>();
    int comments = 0;
    int from = 0;
    for (int end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n", from)) {
      // A single blank line between events has no meaning.
      String block = text.substring(from, end).replaceFirst("^\n+", "");
      from = end + 2;
      if (block.equals(": keep-alive")) {
        comments++;
      } else if (!block.isEmpty()) {
        events.add(event(block));
      }
    }
    return new ReceivedEvents(List.copyOf(events), comments, text.substring(from));
  }

  private static Event event(String block) {
    String name = "";
    String id = "";
    JsonNode data = null;
    for (String line : block.split("\n", -1)) {
      if (line.startsWith("event: ") && name.isEmpty()) {
        name = line.substring("event: ".length());
      } else if (line.startsWith("id: ") && id.isEmpty()) {
        id = line.substring("id: ".length());
      } else if (line.startsWith("data: ") && data == null) {
        data = json(line.substring("data: ".length()));
      } else {
        throw new AssertionError("not a line of an event: " + line);
      }
    }
    if (data == null) {
      throw new AssertionError("an event without data: " + block);
    }
    return new Event(name, id, data);
  }

  /** The names of the members of an object. */
  static Set<String> names(JsonNode object) {
    Set<String> names = new TreeSet<>();
    object.fieldNames().forEachRemaining(names::add);
    return names;
  }

  private static JsonNode json(String text) {
    try {
      return MAPPER.readTree(text);
    } catch (JsonProcessingException notJson) {
      throw new AssertionError("not JSON: " + text, notJson);
    }
  }

  /** The tokens in order. */
  List<String> tokens() {
    return events.stream()
        .filter(event -> event.name().isEmpty())
        .map(event -> event.data().path("token").asText())
        .toList();
  }

  /** The ids of the events that carry one: all but errors. */
  List<String> ids() {
    return events.stream().filter(e -> !e.name().equals("error")).map(Event::id).toList();
  }

  Event last() {
    if (events.isEmpty()) {
      throw new AssertionError("no event came: " + rest);
    }
    return events.getLast();
  }

  long named(String name) {
    return events.stream().filter(event -> event.name().equals(name)).count();
  }
}
