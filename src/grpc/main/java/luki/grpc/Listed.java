package luki.grpc;

import luki.gateway.http.ApiError;
import luki.gateway.http.ApiException;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.Response;
import luki.gateway.upstream.ServiceGuard;

/**
 * A method as it is in the list of routes: its calls come with a handler of their own.
 *
 * @param metadata of the same configuration
 * @param guard of its service, with the numbers of the same configuration
 */
record Listed(GrpcMethod method, MetadataRules metadata, ServiceGuard guard)
    implements Handler.Unrouted {
  /** The service answers with one message. */
  boolean isSingleReply() {
    return method.descriptor().getType().serverSendsOneMessage();
  }

  @Override
  public Response handle(Exchange exchange) {
    // No request line leads here.
    throw new ApiException(ApiError.of(ErrorCode.NOT_FOUND));
  }
}
