package luki.gateway.standin;

import java.math.BigDecimal;
import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Stands in for the token service, which has no known implementation; all of it is assumed. */
final class TokenService {
  private static final BigDecimal OPENING_BALANCE = new BigDecimal("10.00");

  private final Clock clock;
  private final List<Reward> rewards = new ArrayList<>();
  private final Map<String, Reward> byKey = new HashMap<>();

  private record Reward(String id, String user, String reason, BigDecimal amount, String at) {
    Map<String, @Nullable Object> toJson() {
      return Json.object(
          "id", id,
          "user_id", user,
          "reason", reason,
          "amount", amount.toPlainString(),
          "created_at", at);
    }
  }

  TokenService(Clock clock) {
    this.clock = clock;
  }

  Routes routes() {
    return new Routes()
        .get("/health", _ -> Reply.ok(Json.object("status", "healthy")))
        .get("/balances/{user_id}", this::balance)
        .get("/transactions/{user_id}", this::transactions)
        .post("/rewards", this::reward);
  }

  private synchronized Reply balance(Call call) {
    String user = call.param("user_id");
    BigDecimal sum = of(user).stream().map(Reward::amount).reduce(OPENING_BALANCE, BigDecimal::add);
    return Reply.ok(
        Json.object(
            "user_id", user,
            "balance", sum.toPlainString(),
            "updated_at", Stamp.zoneless(clock.instant())));
  }

  private synchronized Reply transactions(Call call) {
    String user = call.param("user_id");
    int limit = Math.max(1, call.intQuery("limit", 20));
    List<Reward> all = of(user);
    int from = Math.clamp(call.intQuery("cursor", 0), 0, all.size());
    int to = Math.min(all.size(), from + limit);
    return Reply.ok(
        Json.object(
            "user_id",
            user,
            "items",
            all.subList(from, to).stream().map(Reward::toJson).toList(),
            "next",
            to < all.size() ? String.valueOf(to) : null));
  }

  /** The same key again gives the first reward again and pays nothing. */
  private synchronized Reply reward(Call call) {
    List<Object> where = List.of("header", "idempotency-key");
    String key =
        call.header("idempotency-key")
            .orElseThrow(() -> Fields.invalid("missing", where, "Field required", null));
    Fields fields = call.fields();
    String user = fields.text("user_id");
    String reason = fields.text("reason");
    String text = fields.text("amount");
    fields.check();
    BigDecimal amount = amount(text);
    Reward reward = byKey.computeIfAbsent(key, _ -> pay(user, reason, amount));
    return Reply.of(201, reward.toJson());
  }

  private Reward pay(String user, String reason, BigDecimal amount) {
    String id = "rw_" + (rewards.size() + 1);
    Reward reward = new Reward(id, user, reason, amount, Stamp.zoneless(clock.instant()));
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
      throw Fields.invalid("decimal_parsing", List.of("body", "amount"), message, text);
    }
  }
}
