package luki.gateway.filter;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import luki.gateway.http.ApiError;
import luki.gateway.http.ApiException;
import luki.gateway.http.Chain.Filter;
import luki.gateway.http.Chain.Next;
import luki.gateway.http.Exchange;
import luki.gateway.http.Policy.Owner;
import luki.gateway.http.Response;
import luki.gateway.http.UserId;
import luki.gateway.json.Json;
import luki.gateway.json.JsonSchema.Violation;

/**
 * Finds the user that the request acts for, at the place that the contract names, and refuses
 * callers that may not act for them. Every other {@code user_id} in the request must be the same.
 */
public final class AuthorizeOwner implements Filter {
  private static final String USER_ID = "user_id";

  @Override
  public Response apply(Exchange exchange, Next next) {
    Optional<UserId> user;
    try {
      user = userOf(exchange);
    } catch (ApiException invalid) {
      return Response.refused(withOtherProblems(invalid.error(), exchange));
    }
    if (user.isEmpty()) {
      return next.handle(exchange);
    }
    Optional<ApiError> denial = AccessPolicy.decideOwner(exchange.principal(), user.get());
    return denial.isPresent()
        ? Response.refused(denial.get())
        : next.handle(exchange.actingFor(user.get()));
  }

  /** Also what a later step would refuse, so that the caller can correct all of it at once. */
  private static ApiError withOtherProblems(ApiError noUser, Exchange exchange) {
    if (!(noUser instanceof ApiError.Invalid(List<Violation> first))) {
      return noUser;
    }
    Set<Violation> details = new LinkedHashSet<>(first);
    details.addAll(Validate.problemsOf(exchange));
    return new ApiError.Invalid(List.copyOf(details));
  }

  private static Optional<UserId> userOf(Exchange exchange) {
    String named =
        switch (exchange.policy().owner()) {
          case Owner.None _ -> null;
          case Owner.InBody in -> text(exchange.json().at(in.name()), "/" + in.name());
          case Owner.InQuery in -> present(exchange.request().query().all(in.name()), in.name());
          case Owner.InPath in -> exchange.pathParameter(in.name());
          case Owner.ItemPrefix in -> prefix(exchange.pathParameter(in.name()), in.name());
        };
    if (named == null) {
      return Optional.empty();
    }
    String pointer = "/" + exchange.policy().owner().name();
    UserId user =
        UserId.parse(named)
            .orElseThrow(() -> new ApiException(ApiError.invalid(pointer, "pattern")));
    for (String other : everyUserId(exchange)) {
      if (!other.equals(user.value())) {
        throw new ApiException(ApiError.invalid("/" + USER_ID, "differs"));
      }
    }
    return Optional.of(user);
  }

  private static String prefix(String itemId, String name) {
    String owner = UserId.ownerOf(itemId);
    if (owner.isEmpty()) {
      throw new ApiException(ApiError.invalid("/" + name, "pattern"));
    }
    return owner;
  }

  private static String present(List<String> values, String name) {
    if (values.isEmpty()) {
      throw new ApiException(ApiError.invalid("/" + name, "required"));
    }
    return values.getFirst();
  }

  private static List<String> everyUserId(Exchange exchange) {
    List<String> all = new ArrayList<>(exchange.request().query().all(USER_ID));
    Json inBody = exchange.json().at(USER_ID);
    if (!inBody.isMissing()) {
      all.add(text(inBody, "/" + USER_ID));
    }
    String inPath = exchange.pathParameters().get(USER_ID);
    if (inPath != null) {
      all.add(inPath);
    }
    return all;
  }

  private static String text(Json value, String pointer) {
    String text = value.string();
    if (text == null) {
      throw new ApiException(ApiError.invalid(pointer, value.isMissing() ? "required" : "type"));
    }
    return text;
  }
}
