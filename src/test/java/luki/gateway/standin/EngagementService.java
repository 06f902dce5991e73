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
 * Stand-in for the engagement service, as observed on the running service: where it has people to
 * recommend, it fails, unless the fault is switched off.
 */
final class EngagementService {
  private static final List<String> NEEDED = List.of("analytics", "personalization");

  private final Consents consents;
  private final Map<String, List<Interaction>> byUser = new LinkedHashMap<>();
  private int lastId;
  private volatile boolean recommendationsFail = true;

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

  /** The fault of the running service: 500 for every user with candidates. */
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

  private synchronized StandInReply recommendations(ServiceCall call) {
    String user = call.param("user_id");
    int limit = call.intQuery("limit", 5);
    List<Neighbour> found = neighbours(user);
    if (denied(user) || (recommendationsFail && !found.isEmpty())) {
      return StandInReply.detail(500, "Failed to generate recommendations");
    }
    List<Map<String, @Nullable Object>> people =
        found.stream()
            .limit(limit)
            .map(
                other ->
                    PythonJson.object(
                        "user_id similarity_score recommendation_type",
                        other.user,
                        other.similarity,
                        "user_connection"))
            .toList();
    return StandInReply.ok("user_id recommendations", user, people);
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
    List<Map<String, @Nullable Object>> connections =
        neighbours(user).stream()
            .map(
                other ->
                    PythonJson.object(
                        "user_id connection_type strength last_interaction",
                        other.user,
                        "shared_interest",
                        other.similarity,
                        lastActive(of(other.user))))
            .toList();
    return StandInReply.ok("user_id node connections", user, node, connections);
  }

  private record Neighbour(String user, double similarity) {}

  /** Users with the same kind of interaction. */
  private List<Neighbour> neighbours(String user) {
    Set<String> own = types(of(user));
    List<Neighbour> found = new ArrayList<>();
    byUser.forEach(
        (other, interactions) -> {
          Set<String> shared = types(interactions);
          shared.retainAll(own);
          if (!other.equals(user) && !shared.isEmpty()) {
            found.add(new Neighbour(other, (double) shared.size() / own.size()));
          }
        });
    return found;
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
