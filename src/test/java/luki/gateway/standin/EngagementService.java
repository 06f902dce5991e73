package luki.gateway.standin;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Stand-in for the engagement service, as observed on the running service; but recommendations have
 * the intended form unless the fault is switched on.
 */
final class EngagementService {
  private static final List<String> NEEDED = List.of("analytics", "personalization");
  private static final List<String> ACTIVITIES =
      List.of(
          "A walk in the park",
          "Look through old photographs",
          "Listen to a favourite song",
          "Water the plants",
          "Call a friend",
          "Bake a simple cake");

  private final Consents consents;
  private final Map<String, List<Interaction>> byUser = new LinkedHashMap<>();
  private int lastId;
  private volatile boolean recommendationsFail;

  private record Interaction(String type, String timestamp) {}

  EngagementService(Consents consents) {
    this.consents = consents;
  }

  Routes routes() {
    return new Routes()
        .get("/health", _ -> health())
        .post("/interactions", this::track)
        .get("/metrics/{user_id}", this::metrics)
        .get("/recommendations/{user_id}", this::recommendations)
        .get("/graph/{user_id}", this::graph);
  }

  /** The fault of the running service: 500 for every user. */
  void recommendationsFail(boolean fail) {
    recommendationsFail = fail;
  }

  private static StandInReply health() {
    return StandInReply.ok(
        "status version components config", "healthy", "1.0.0", Map.of("graph", "ok"), Map.of());
  }

  private synchronized StandInReply track(ServiceCall call) {
    BodyFields fields = call.fields();
    String user = fields.text("user_id");
    String type = fields.text("interaction_type");
    fields.optionalObject("content");
    fields.check();
    String timestamp = timestamp(fields.optional("timestamp"));
    byUser.computeIfAbsent(user, _ -> new ArrayList<>()).add(new Interaction(type, timestamp));
    lastId++;
    return StandInReply.ok(
        "interaction_id user_id status timestamp",
        String.valueOf(lastId),
        user,
        "tracked",
        timestamp);
  }

  private synchronized StandInReply metrics(ServiceCall call) {
    String user = call.param("user_id");
    List<Interaction> interactions = of(user);
    return StandInReply.ok(
        "user_id engagement_score interaction_count last_active",
        user,
        score(interactions),
        interactions.size(),
        lastActive(interactions));
  }

  private StandInReply recommendations(ServiceCall call) {
    String user = call.param("user_id");
    int limit = call.intQuery("limit", 5);
    if (recommendationsFail || denied(user)) {
      return StandInReply.detail(500, "Failed to generate recommendations");
    }
    List<Object> activities = new ArrayList<>();
    for (String title : ACTIVITIES.subList(0, Math.clamp(limit, 0, ACTIVITIES.size()))) {
      String id = "act_" + (activities.size() + 1);
      activities.add(PythonJson.object("id title reason", id, title, "fits the time of day"));
    }
    return StandInReply.ok("user_id recommendations", user, activities);
  }

  /** A denial is a 500 here too, as observed. */
  private synchronized StandInReply graph(ServiceCall call) {
    String user = call.param("user_id");
    if (denied(user)) {
      return StandInReply.detail(500, "Failed to fetch user connections");
    }
    List<Interaction> interactions = of(user);
    Object node =
        interactions.isEmpty()
            ? null
            : PythonJson.object(
                "user_id total_interactions engagement_score last_activity",
                user,
                interactions.size(),
                score(interactions),
                lastActive(interactions));
    return StandInReply.ok("user_id node connections", user, node, connections(user));
  }

  /** Users with the same kind of activity. */
  private List<Object> connections(String user) {
    Set<String> own = types(of(user));
    List<Object> connections = new ArrayList<>();
    for (Map.Entry<String, List<Interaction>> other : byUser.entrySet()) {
      Set<String> shared = types(other.getValue());
      shared.retainAll(own);
      if (!other.getKey().equals(user) && !shared.isEmpty()) {
        connections.add(
            PythonJson.object(
                "user_id connection_type strength last_interaction",
                other.getKey(),
                "shared_interest",
                (double) shared.size() / own.size(),
                lastActive(other.getValue())));
      }
    }
    return connections;
  }

  private boolean denied(String user) {
    return consents.denial(user, NEEDED).isPresent();
  }

  private List<Interaction> of(String user) {
    return byUser.getOrDefault(user, List.of());
  }

  /** A time that cannot be parsed becomes the current time. */
  private String timestamp(JsonNode given) {
    String text = given.asText();
    try {
      LocalDateTime.parse(text);
      return text;
    } catch (DateTimeException e) {
      return zoned(text);
    }
  }

  private String zoned(String text) {
    try {
      return PythonJson.zoned(OffsetDateTime.parse(text).toInstant());
    } catch (DateTimeException e) {
      return PythonJson.zoneless(Instant.now());
    }
  }

  private static Set<String> types(List<Interaction> interactions) {
    Set<String> types = new HashSet<>();
    interactions.forEach(interaction -> types.add(interaction.type()));
    return types;
  }

  private static double score(List<Interaction> interactions) {
    return Math.min(1.0, 0.312 * interactions.size());
  }

  private static @Nullable String lastActive(List<Interaction> interactions) {
    return interactions.isEmpty() ? null : interactions.getLast().timestamp();
  }
}
