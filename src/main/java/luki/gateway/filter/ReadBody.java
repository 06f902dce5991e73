package luki.gateway.filter;

import java.io.EOFException;
import java.io.IOException;
import java.util.List;
import luki.gateway.http.ApiError;
import luki.gateway.http.ApiException;
import luki.gateway.http.Body;
import luki.gateway.http.Chain.Filter;
import luki.gateway.http.Chain.Next;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Handler;
import luki.gateway.http.IdempotencyKey;
import luki.gateway.http.MediaType;
import luki.gateway.http.Method;
import luki.gateway.http.Request;
import luki.gateway.http.Response;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.http1.BadMessage;
import luki.http1.ByteBudget;
import luki.http1.Fields;

/** Reads the body once: its size first, then its type, then strict JSON. */
public record ReadBody(int maxBytes) implements Filter {
  private static final byte[] NOTHING = new byte[0];
  private static final int MAX_EMPTY_OBJECT = 64; // with white space

  @Override
  public Response apply(Exchange exchange, Next next) {
    Request request = exchange.request();
    Fields headers = request.headers();
    if (exchange.operation().isEventStream()
        && !MediaType.accepts(headers.all("Accept"), exchange.operation().produces())) {
      return Response.refused(ApiError.of(ErrorCode.NOT_ACCEPTABLE));
    }
    if (request.declaredLength() > maxBytes) {
      return Response.refused(ApiError.of(ErrorCode.BODY_TOO_LARGE));
    }
    if (!exchange.operation().takesBody()) {
      byte[] bytes = read(exchange);
      return bytes.length == 0 || (request.method() == Method.DELETE && isEmptyObject(bytes))
          ? next.handle(exchange)
          : Response.refused(ApiError.invalid("", "no_body"));
    }
    if (!isJson(headers)) {
      return Response.refused(ApiError.of(ErrorCode.UNSUPPORTED_MEDIA_TYPE));
    }
    byte[] bytes = read(exchange);
    try {
      exchange.memory().take(bytes.length + Json.memoryOf(bytes));
      Json json = Json.parse(bytes);
      // An empty text is no JSON, so there are bytes.
      return next.handle(
          exchange.carrying(new Exchange.Payload((Body.Bytes) Body.of(bytes), json)));
    } catch (ByteBudget.Exhausted full) {
      return Response.refused(ApiError.retrySoon(ErrorCode.OVERLOADED));
    } catch (InvalidJson invalid) {
      return Response.refused(new ApiError.Invalid(List.of(invalid.violation())));
    }
  }

  /** Some clients send one with every request that may have a body. */
  private static boolean isEmptyObject(byte[] bytes) {
    try {
      Json json = bytes.length <= MAX_EMPTY_OBJECT ? Json.parse(bytes) : Json.MISSING;
      return json.isObject() && json.size() == 0;
    } catch (InvalidJson notJson) {
      return false;
    }
  }

  private static boolean isJson(Fields headers) {
    List<String> type = headers.all("Content-Type");
    return type.size() == 1
        && !headers.has("Content-Encoding")
        && MediaType.parse(type.getFirst()).filter(MediaType::isJson).isPresent();
  }

  private byte[] read(Exchange exchange) {
    byte[] bytes = bytesOf(exchange);
    if (!(exchange.served().handler() instanceof Handler.Completes)
        && IdempotencyKey.of(exchange) == null) {
      exchange.request().onBodyRead().run();
    }
    return bytes;
  }

  /** Into one array; a chunked body is counted while it is read. */
  private byte[] bytesOf(Exchange exchange) {
    Request request = exchange.request();
    if (request.declaredLength() == 0) {
      return NOTHING;
    }
    try {
      byte[] bytes = exchange.memory().read(request.body(), maxBytes + 1);
      if (bytes.length > maxBytes) {
        throw new ApiException(ApiError.of(ErrorCode.BODY_TOO_LARGE));
      }
      if (bytes.length < request.declaredLength()) {
        throw new EOFException("closed within the body");
      }
      return bytes;
    } catch (ByteBudget.Exhausted full) {
      throw new ApiException(ApiError.retrySoon(ErrorCode.OVERLOADED));
    } catch (BadMessage refused) {
      throw new ApiException(ApiError.of(refused.reason()));
    } catch (IOException cutShort) {
      throw new ApiException(ApiError.invalid("", "body"));
    }
  }
}
