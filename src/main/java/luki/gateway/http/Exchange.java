package luki.gateway.http;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import luki.gateway.json.Json;
import org.jspecify.annotations.Nullable;

/**
 * A request on its way to a handler. Each step passes on a changed copy; nobody writes to it.
 *
 * @param receivedNanos monotonic, for durations
 * @param pathParameters decoded
 * @param learnt what the steps before this one have found out
 */
public record Exchange(
    RequestId id,
    TraceContext trace,
    Instant receivedAt,
    long receivedNanos,
    Request request,
    Route route,
    Map<String, String> pathParameters,
    Learnt learnt) {

  public Exchange {
    pathParameters = Map.copyOf(pathParameters);
  }

  /**
   * What is known of a request by now.
   *
   * @param payload the body once it was read: strict JSON, or null when there is none
   * @param subject the user that the request acts for, once the caller was allowed to
   * @param consent what the user was asked and answered, where that was asked
   * @param allowance what the call may use of its caller's quotas
   */
  public record Learnt(
      Principal principal,
      Deadline deadline,
      @Nullable Payload payload,
      @Nullable UserId subject,
      @Nullable ConsentGiven consent,
      Allowance allowance) {

    /** Nothing yet but the time that there is. */
    public static Learnt nothing(Deadline deadline) {
      return new Learnt(new Principal.Anonymous(), deadline, null, null, null, Allowance.ENDLESS);
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

  private Exchange with(Learnt now) {
    return new Exchange(id, trace, receivedAt, receivedNanos, request, route, pathParameters, now);
  }

  public Exchange known(RequestId byId, TraceContext inTrace) {
    return new Exchange(
        byId, inTrace, receivedAt, receivedNanos, request, route, pathParameters, learnt);
  }

  public Exchange as(Principal who) {
    return with(new Learnt(who, deadline(), payload(), subject(), consent(), allowance()));
  }

  public Exchange within(Deadline limit) {
    return with(
        new Learnt(
            principal(), deadline().sooner(limit), payload(), subject(), consent(), allowance()));
  }

  public Exchange carrying(Payload read) {
    return with(new Learnt(principal(), deadline(), read, subject(), consent(), allowance()));
  }

  public Exchange actingFor(UserId user) {
    return with(new Learnt(principal(), deadline(), payload(), user, consent(), allowance()));
  }

  public Exchange consented(ConsentGiven given) {
    return with(new Learnt(principal(), deadline(), payload(), subject(), given, allowance()));
  }

  public Exchange spending(Allowance from) {
    return with(new Learnt(principal(), deadline(), payload(), subject(), consent(), from));
  }

  public Allowance allowance() {
    return learnt.allowance;
  }

  public Principal principal() {
    return learnt.principal;
  }

  public Deadline deadline() {
    return learnt.deadline;
  }

  public @Nullable Payload payload() {
    return learnt.payload;
  }

  public @Nullable UserId subject() {
    return learnt.subject;
  }

  public @Nullable ConsentGiven consent() {
    return learnt.consent;
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
      throw new IllegalStateException("no user was resolved for " + route.operationId());
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
}
