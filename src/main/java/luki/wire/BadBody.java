package luki.wire;

import java.io.IOException;

/**
 * A request's body is not what its maker said, or could not be made; the service is not to blame.
 */
final class BadBody extends IOException {
  private static final long serialVersionUID = 1L;

  BadBody(String how) {
    super("the request's body is " + how);
  }

  BadBody(Throwable cause) {
    super("the request's body could not be made", cause);
  }
}
