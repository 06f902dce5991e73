/**
 * An {@link java.net.http.HttpClient} that blocks: HTTP/1.1 for virtual threads, with a pool for
 * each origin. It is strict about what a service sends and drops a connection when in doubt.
 *
 * <p>Beside {@code send} there is the shorter way of {@link luki.http1.RawClient}, which the other
 * stands on. What the JDK's interface has and this client does not, HTTP/2, WebSocket, cookies,
 * authenticators, proxies, redirects and {@code Expect}, is refused or, where it is a default,
 * simply not done.
 */
@NullMarked
package luki.wire;

import org.jspecify.annotations.NullMarked;
