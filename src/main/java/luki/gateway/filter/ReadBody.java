package luki.gateway.filter;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import luki.gateway.http.ApiError;
import luki.gateway.http.ApiException;
import luki.gateway.http.Body;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Exchange;
import luki.gateway.http.Filter;
import luki.gateway.http.Handler;
import luki.gateway.http.MediaType;
import luki.gateway.http.Request;
import luki.gateway.http.Response;
import luki.gateway.json.InvalidJson;
import luki.gateway.json.Json;
import luki.http1.Fields;

/** Reads the body once: its size first, then its type, then strict JSON. */
public final class ReadBody implements Filter {
  private final int maxBytes;

  public ReadBody(int maxBytes) {
    this.maxBytes = maxBytes;
  }

  @Override
  public Response apply(Exchange exchange, Handler next) throws IOException, InterruptedException {
    Request request = exchange.request();
    Fields headers = request.headers();
    if (exchange.route().isEventStream()
        && !MediaType.accepts(headers.all("Accept"), exchange.route().produces())) {
      return Response.refused(ApiError.of(ErrorCode.NOT_ACCEPTABLE));
    }
    if (request.declaredLength() > maxBytes) {
      return Response.refused(ApiError.of(ErrorCode.BODY_TOO_LARGE));
    }
    if (!exchange.route().takesBody()) {
      return read(request.body()).length == 0
          ? next.handle(exchange)
          : Response.refused(ApiError.invalid("", "no_body"));
    }
    if (!isJson(headers)) {
      return Response.refused(ApiError.of(ErrorCode.UNSUPPORTED_MEDIA_TYPE));
    }
    byte[] bytes = read(request.body());
    try {
      Json json = Json.parse(bytes);
      // An empty text is no JSON, so there are bytes.
      return next.handle(
          exchange.carrying(new Exchange.Payload((Body.Bytes) Body.of(bytes), json)));
    } catch (InvalidJson invalid) {
      return Response.refused(ApiError.invalid(invalid.pointer(), invalid.rule()));
    }
  }

  private static boolean isJson(Fields headers) {
    List<String> type = headers.all("Content-Type");
    return type.size() == 1
        && !headers.has("Content-Encoding")
        && MediaType.parse(type.getFirst()).filter(MediaType::isJson).isPresent();
  }

  private byte[] read(Body body) throws InterruptedException {
    return switch (body) {
      case Body.Empty _ -> new byte[0];
      case Body.Bytes bytes -> bytes.bytes();
      case Body.Stream stream -> collect(stream.source());
    };
  }

  /** Counts while it reads: a chunked body declares no length. */
  private byte[] collect(Body.Source source) throws InterruptedException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(1024);
    try (source) {
      for (byte[] piece = source.next(); piece != null; piece = source.next()) {
        if (bytes.size() + piece.length > maxBytes) {
          throw new ApiException(ApiError.of(ErrorCode.BODY_TOO_LARGE));
        }
        bytes.writeBytes(piece);
      }
      return bytes.toByteArray();
    } catch (IOException cutShort) {
      throw new ApiException(ApiError.invalid("", "body"));
    }
  }
}
