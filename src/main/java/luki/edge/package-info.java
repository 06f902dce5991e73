/**
 * A server engine behind the JDK's interface: strict about framing, a virtual thread a connection,
 * blocking sockets, a deadline for every wait for a client. It is made with {@code new
 * EdgeServer(…)} and not registered as a service. What differs from the JDK's own engine:
 *
 * <ul>
 *   <li>Messages that the JDK's server accepts or repairs are refused, by {@link
 *       luki.http1.Refusals}, and their connection is closed: see {@link luki.http1}.
 *   <li>The connection's own thread runs the handler. {@code setExecutor} is accepted and has no
 *       effect.
 *   <li>An exchange ends when its handler returns: a reply that is not complete by then is aborted,
 *       and one that was not begun is a failure.
 *   <li>A head leaves together with the first bytes of its body, at a flush, or at the end.
 *   <li>A reply that was given up ({@code close} before its end, or an exception) closes the
 *       connection without a last chunk; so does one with fewer bytes than its length.
 *   <li>What a handler writes as the body of a reply that has none (HEAD, 204, 304) is dropped.
 *   <li>{@code Date}, {@code Connection} and the framing are the engine's. A handler's {@code
 *       Connection: close} is heeded; its {@code Content-Length} counts for HEAD and 304.
 *   <li>A server has one handler, for every path: no contexts, filters or attributes, and {@code
 *       setStreams} is refused.
 *   <li>A handler cannot send {@code 1xx}. The engine sends 100 at the first read of the body, and
 *       102 to a client that has ended its sending, to see whether it is still there.
 *   <li>{@code stop} interrupts the handlers that are still at work after its delay.
 *   <li>No authenticators and no TLS.
 * </ul>
 *
 * <p>An exchange is also a {@link luki.http1.EngineExchange}.
 */
@NullMarked
package luki.edge;

import org.jspecify.annotations.NullMarked;
