package luki.gateway.filter;

import java.util.Map;
import luki.gateway.http.ApiError;
import luki.gateway.http.Chain.Filter;
import luki.gateway.http.Chain.Next;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Method;
import luki.gateway.http.Response;
import luki.gateway.http.Route;
import luki.gateway.http.Route.Version;

/**
 * Refuses what leads to no operation, or to one of a version after its sunset, before anything else
 * that may be wrong with the request. No filter after this one sees such a route. Replies of a
 * version that is to end say so.
 */
public final class RefuseUnrouted implements Filter {
  @Override
  public Response apply(Exchange exchange, Next next) {
    Route route = exchange.route();
    Version version = route.version();
    Response response =
        switch (route) {
          case Route.Refused refused -> Response.refused(refused.error());
          case Route.Served _ when version != null && isGone(version, exchange) ->
              Response.refused(ApiError.of(ErrorCode.VERSION_GONE));
          case Route.Served _ -> next.handle(exchange);
        };
    return version == null
        ? response
        : response.with(
            version.announcement(
                response.outcome().refusal() == null ? exchange.pathParameters() : Map.of()));
  }

  /** A preflight is answered still, so that a browser shows the 410 to its page. */
  private static boolean isGone(Version version, Exchange exchange) {
    return exchange.route().method() != Method.OPTIONS
        && !exchange.receivedAt().isBefore(version.sunset());
  }
}
