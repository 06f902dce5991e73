package luki.gateway.standin;

import java.math.BigDecimal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Stand-in for the token service, which has no known implementation; all of it is invented. */
final class TokenService {
  private static final BigDecimal OPENING_BALANCE = new BigDecimal("10.00");

  private final List<Reward> rewards = new ArrayList<>();
  private final Map<String, Reward> byKey = new HashMap<>();

  private record Reward(String id, String user, String reason, BigDecimal amount, String at) {
    Map<String, @Nullable Object> toJson() {
      return PythonJson.object(
          "id user_id reason amount created_at", id, user, reason, amount.toPlainString(), at);
    }
  }

  Routes routes() {
    return new Routes()
        .get("/health", _ -> StandInReply.ok("status", "healthy"))
        .get("/balances/{user_id}", this::balance)
        .get("/transactions/{user_id}", this::transactions)
        .post("/rewards", this::reward);
  }

  private synchronized StandInReply balance(ServiceCall call) {
    String user = call.param("user_id");
    BigDecimal sum = of(user).stream().map(Reward::amount).reduce(OPENING_BALANCE, BigDecimal::add);
    return StandInReply.ok(
        "user_id balance updated_at",
        user,
        sum.toPlainString(),
        PythonJson.zoneless(Instant.now()));
  }

  private synchronized StandInReply transactions(ServiceCall call) {
    String user = call.param("user_id");
    int limit = Math.max(1, call.intQuery("limit", 20));
    List<Reward> all = of(user);
    int from = Math.clamp(call.intQuery("cursor", 0), 0, all.size());
    int to = Math.min(all.size(), from + limit);
    return StandInReply.ok(
        "user_id items next",
        user,
        all.subList(from, to).stream().map(Reward::toJson).toList(),
        to < all.size() ? String.valueOf(to) : null);
  }

  /** A repeated key returns the first reward and pays nothing. */
  private synchronized StandInReply reward(ServiceCall call) {
    List<Object> where = List.of("header", "idempotency-key");
    String key =
        call.header("idempotency-key")
            .orElseThrow(() -> BodyFields.invalid("missing", where, "Field required", null));
    BodyFields fields = call.fields();
    String user = fields.text("user_id");
    String reason = fields.text("reason");
    String text = fields.text("amount");
    fields.check();
    BigDecimal amount = amount(text);
    Reward reward = byKey.computeIfAbsent(key, _ -> pay(user, reason, amount));
    return StandInReply.of(201, reward.toJson());
  }

  private Reward pay(String user, String reason, BigDecimal amount) {
    String id = "rw_" + (rewards.size() + 1);
    Reward reward = new Reward(id, user, reason, amount, PythonJson.zoneless(Instant.now()));
    rewards.add(reward);
    return reward;
  }

  private List<Reward> of(String user) {
    return rewards.stream().filter(reward -> reward.user().equals(user)).toList();
  }

  private static BigDecimal amount(String text) {
    try {
      return new BigDecimal(text);
    } catch (NumberFormatException e) {
      String message = "Input should be a valid decimal";
      throw BodyFields.invalid("decimal_parsing", List.of("body", "amount"), message, text);
    }
  }
}
