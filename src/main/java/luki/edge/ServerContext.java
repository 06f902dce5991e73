package luki.edge;

import java.util.function.LongSupplier;
import luki.http1.ByteBudget;
import luki.http1.Refusals;

/** What all connections of one server have in common. */
record ServerContext(
    EdgeLimits limits,
    Refusals refusals,
    ByteBudget memory,
    LongSupplier nanoTime,
    DateLine date,
    WriteBuffer.Pool buffers,
    Contexts contexts,
    Connections connections) {
  long now() {
    return nanoTime.getAsLong();
  }
}
