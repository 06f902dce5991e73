package luki.gateway.standin;

import java.io.IOException;
import java.io.OutputStream;

/** The body of a 200 event stream in chunked coding, as the agent sends it. */
@FunctionalInterface
non-sealed interface EventStream extends Answer {
  void writeTo(OutputStream out) throws IOException, InterruptedException;
}
