/**
 * A blocking {@link java.net.http.HttpClient} for virtual threads: HTTP/1.1 with a pool for each
 * origin. It accepts only replies that can be read in one way, and drops a connection when in
 * doubt.
 *
 * <p>A {@link luki.http1.PreparedRequest} is sent and a {@link luki.http1.TimedBody} streamed as it
 * is. Any other request or handler, {@code sendAsync} and WebSocket are refused; cookies,
 * authenticators, proxies and redirects are not done.
 */
@NullMarked
package luki.wire;

import org.jspecify.annotations.NullMarked;
