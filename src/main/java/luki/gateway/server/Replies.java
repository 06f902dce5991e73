package luki.gateway.server;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import luki.gateway.http.Body;
import luki.gateway.http.Delivery;
import luki.gateway.http.ErrorCode;
import luki.gateway.http.Response;
import org.jspecify.annotations.Nullable;

/** Writes replies; whoever asked to be told how that ended is told, whatever happens. */
interface Replies {
  /**
   * Writes one out.
   *
   * @throws IOException the reply could not be finished; the engine then drops the connection
   *     without a last chunk, so that half of a reply never looks whole
   */
  void write(HttpExchange http, ExchangeReader.Incoming incoming, Response response)
      throws IOException;

  void close();

  /** How far it got; a write that fails leaves it at "the reader left". */
  final class Progress {
    Delivery.End end = Delivery.End.CLIENT_CLOSED;
    long bytes;
    @Nullable ErrorCode failure;

    void tell(Response response) {
      Delivery sent = new Delivery(end, bytes, failure);
      response.onComplete().forEach(told -> told.accept(sent));
    }

    /** The next piece; a failure of the source is not one of the reader. */
    byte @Nullable [] pull(Body.Source source) throws IOException {
      try {
        return source.next();
      } catch (InterruptedException stopping) {
        Thread.currentThread().interrupt();
        end = Delivery.End.ABORTED;
        throw new IOException("stopped", stopping);
      } catch (IOException | RuntimeException broken) {
        end = Delivery.End.ABORTED;
        throw broken;
      }
    }
  }
}
