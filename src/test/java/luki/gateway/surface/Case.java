package luki.gateway.surface;

import java.util.function.Consumer;
import luki.gateway.testing.HttpReply;

/** A bad request and its expected reply; {@code also} are further checks of the reply. */
record Case(String name, Ask ask, int status, String code, Consumer<HttpReply> also) {
  /** Part of hostile values: a reply that contains it has quoted one. */
  static final String MARKER = "hostile7f3a";

  static Case of(String name, Ask ask, int status, String code) {
    return new Case(name, ask, status, code, answer -> {});
  }

  static Case invalid(String name, Ask ask) {
    return of(name, ask, 400, "INVALID_REQUEST");
  }

  /** Invalid, and the pointer of one detail is that place or below it. */
  static Case invalidAt(String name, Ask ask, String pointer) {
    return new Case(name, ask, 400, "INVALID_REQUEST", answer -> Envelope.names(answer, pointer));
  }
}
