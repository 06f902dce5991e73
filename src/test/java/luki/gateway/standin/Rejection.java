package luki.gateway.standin;

/** Ends a handler with an error reply, as FastAPI's own exceptions do. */
final class Rejection extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient Reply reply;

  Rejection(Reply reply) {
    super(reply.body(), null, false, false);
    this.reply = reply;
  }

  Reply reply() {
    return reply;
  }
}
