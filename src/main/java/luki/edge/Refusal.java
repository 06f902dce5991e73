package luki.edge;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import luki.http1.BadMessage.Reason;
import luki.http1.Fields;
import luki.http1.Refusals;
import luki.http1.Refusals.Answer;
import luki.http1.RenderedFields;

/**
 * The answer to a message that is refused.
 *
 * @param method as far as it is known
 * @param nanos since its first byte
 */
record Refusal(ServerContext shared, String method, long nanos, InetAddress peer) {
  void send(Reason reason, WriteBuffer out) throws IOException {
    // What a handler left there is not to be mixed with it.
    out.drop();
    Answer answer = answer(reason);
    byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
    ReplyHead.render(
        out,
        answer.status(),
        shared.date(),
        RenderedFields.NONE,
        answer.fields(),
        new ReplyHead.Framing.Length(body.length),
        ReplyHead.Persistence.CLOSED);
    // RFC 9110 §9.3.2: not even then.
    if (!method.equals("HEAD")) {
      out.write(body, 0, body.length);
    }
    out.flush();
  }

  private Answer answer(Reason reason) {
    try {
      Answer answer = shared.refusals().answer(new Refusals.Refused(reason, method, nanos, peer));
      if (StatusLines.isFinal(answer.status())) {
        return answer;
      }
    } catch (RuntimeException _) {
      // Then without words.
    }
    return new Answer(reason.status(), Fields.NONE, "");
  }
}
