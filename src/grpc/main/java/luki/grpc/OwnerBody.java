package luki.grpc;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import luki.gateway.http.ApiException;
import org.jspecify.annotations.Nullable;

/**
 * The body that the chain reads: the user of the first message, as JSON. So the message is waited
 * for and parsed only after the steps that come before a body.
 */
final class OwnerBody extends InputStream {
  private final GrpcMethod method;
  private final User user;
  private @Nullable InputStream json;

  /** Waits for the message. */
  @FunctionalInterface
  interface User {
    /**
     * The user whom it names, or null.
     *
     * @throws ApiException it is malformed, or did not come
     */
    @Nullable String await() throws InterruptedException;
  }

  OwnerBody(GrpcMethod method, User user) {
    this.method = method;
    this.user = user;
  }

  private InputStream json() throws IOException {
    InputStream known = json;
    if (known != null) {
      return known;
    }
    try {
      InputStream read = new ByteArrayInputStream(method.body(user.await()));
      json = read;
      return read;
    } catch (InterruptedException stopping) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException();
    }
  }

  @Override
  public int read() throws IOException {
    return json().read();
  }

  @Override
  public int read(byte[] into, int offset, int length) throws IOException {
    return json().read(into, offset, length);
  }
}
