package luki.gateway.http;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import luki.gateway.http.Ids.RequestId;
import luki.gateway.http.Policy.Units;
import luki.gateway.json.Json;
import luki.http1.ByteBudget;
import org.jspecify.annotations.Nullable;

/**
 * A request on its way to a handler. Immutable: each step passes on a changed copy.
 *
 * @param receivedNanos monotonic, for durations
 * @param pathParameters decoded
 * @param memory what this exchange holds of the process, given back when it has ended
 * @param resolved what the steps before this one have found out
 */
public record Exchange(
    RequestId id,
    TraceContext trace,
    Instant receivedAt,
    long receivedNanos,
    Request request,
    Route route,
    Map<String, String> pathParameters,
    ByteBudget.Lease memory,
    Resolved resolved) {

  public Exchange {
    pathParameters = Map.copyOf(pathParameters);
  }

  /**
   * What is known of a request by now.
   *
   * @param payload the body once it was read: strict JSON, or null when there is none
   * @param subject the user that the request acts for, once the caller was allowed to
   * @param consent what the user was asked and answered, where that was asked
   * @param reservation what the call may use of its caller's quotas
   */
  public record Resolved(
      Principal principal,
      Deadline deadline,
      @Nullable Payload payload,
      @Nullable UserId subject,
      @Nullable ConsentGiven consent,
      QuotaReservation reservation) {

    /** Only the deadline is known. */
    public static Resolved nothing(Deadline deadline) {
      return new Resolved(
          new Principal.Anonymous(), deadline, null, null, null, QuotaReservation.UNLIMITED);
    }
  }

  /** The body as it was sent, and what it says. */
  public record Payload(Body.Bytes raw, Json json) {}

  /** What a user was asked for, and said. */
  public record ConsentGiven(List<String> scopes, boolean allowed, Instant at) {
    public ConsentGiven {
      scopes = List.copyOf(scopes);
    }
  }

  /**
   * The operation with its policy and handler.
   *
   * @throws IllegalStateException the route is refused: no step after the refusal may run
   */
  public Route.Served served() {
    return switch (route) {
      case Route.Served served -> served;
      case Route.Refused(_, _, var error, _) ->
          throw new IllegalStateException("refused with " + error.code() + ", yet processed");
    };
  }

  /** As {@link #served}. */
  public Route.Operation operation() {
    return served().operation();
  }

  /** As {@link #served}. */
  public Policy policy() {
    return served().policy();
  }

  /**
   * What the user must have consented to.
   *
   * @throws IllegalStateException the contract names nothing
   */
  public Policy.ConsentRule consentRule() {
    Policy.ConsentRule rule = policy().consent();
    if (rule == null) {
      throw new IllegalStateException("no consent rule for " + operation().id());
    }
    return rule;
  }

  private Exchange with(Resolved now) {
    return new Exchange(
        id, trace, receivedAt, receivedNanos, request, route, pathParameters, memory, now);
  }

  public Exchange inTrace(TraceContext other) {
    return new Exchange(
        id, other, receivedAt, receivedNanos, request, route, pathParameters, memory, resolved);
  }

  public Exchange as(Principal who) {
    return with(new Resolved(who, deadline(), payload(), subject(), consent(), reservation()));
  }

  public Exchange within(Deadline limit) {
    return with(
        new Resolved(
            principal(), deadline().sooner(limit), payload(), subject(), consent(), reservation()));
  }

  /** The same with other room in memory. */
  public Exchange holding(ByteBudget.Lease other) {
    return new Exchange(
        id, trace, receivedAt, receivedNanos, request, route, pathParameters, other, resolved);
  }

  public Exchange carrying(@Nullable Payload read) {
    return with(new Resolved(principal(), deadline(), read, subject(), consent(), reservation()));
  }

  public Exchange actingFor(UserId user) {
    return with(new Resolved(principal(), deadline(), payload(), user, consent(), reservation()));
  }

  public Exchange consented(ConsentGiven given) {
    return with(new Resolved(principal(), deadline(), payload(), subject(), given, reservation()));
  }

  public Exchange spending(QuotaReservation from) {
    return with(new Resolved(principal(), deadline(), payload(), subject(), consent(), from));
  }

  /** Another request to a route whose path has the same parameters. */
  public Exchange to(Request other, Route.Served successor, @Nullable Payload sent) {
    Resolved now = new Resolved(principal(), deadline(), sent, subject(), consent(), reservation());
    return new Exchange(
        id, trace, receivedAt, receivedNanos, other, successor, pathParameters, memory, now);
  }

  public QuotaReservation reservation() {
    return resolved.reservation;
  }

  public Principal principal() {
    return resolved.principal;
  }

  public Deadline deadline() {
    return resolved.deadline;
  }

  public @Nullable Payload payload() {
    return resolved.payload;
  }

  public @Nullable UserId subject() {
    return resolved.subject;
  }

  public @Nullable ConsentGiven consent() {
    return resolved.consent;
  }

  /** The JSON body; an empty object where the route takes none. */
  public Json json() {
    Payload read = payload();
    return read == null ? Json.object().build() : read.json();
  }

  /** The user that the request acts for, where the contract says that there is one. */
  public UserId user() {
    UserId user = subject();
    if (user == null) {
      throw new IllegalStateException("no user was resolved for " + operation().id());
    }
    return user;
  }

  public String pathParameter(String name) {
    String value = pathParameters.get(name);
    if (value == null) {
      throw new IllegalStateException("no path parameter " + name + " in " + route.template());
    }
    return value;
  }

  /** A query parameter that the contract has checked to be a whole number, or its default. */
  public int queryInt(String name, int otherwise) {
    String value = request.query().only(name);
    return value == null ? otherwise : Integer.parseInt(value);
  }

  /** What one call may use of its caller's quotas. For one thread at a time. */
  public interface QuotaReservation {
    /** Unlimited; nothing is counted. */
    QuotaReservation UNLIMITED = new QuotaReservation() {};

    /** To be called before the work is done: the error when a quota is used up, or null. */
    default @Nullable ApiError begin() {
      return null;
    }

    /** Takes characters to stream (Unicode code points); false when fewer are left. */
    default boolean take(long characters) {
      return true;
    }

    /** What the call has used, if it counts; nothing once that was ended. */
    default Units used() {
      return Units.NONE;
    }

    /** Counts that much and frees the rest; only the first call has an effect. */
    default void end(Units billed) {}
  }
}
