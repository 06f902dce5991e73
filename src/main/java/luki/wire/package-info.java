/**
 * A blocking {@link java.net.http.HttpClient} for virtual threads: HTTP/1.1 with a pool for each
 * origin. It accepts only replies that can be read in one way, and drops a connection when in
 * doubt.
 *
 * <p>{@link luki.http1.PreparedRequest} and {@link luki.http1.TimedBody} are sent and streamed as
 * they are; bodies of any other request or handler are buffered as a whole. HTTP/2, WebSocket,
 * {@code Expect}, cookies, authenticators, proxies and redirects are refused or, where they are
 * defaults, not done.
 */
@NullMarked
package luki.wire;

import org.jspecify.annotations.NullMarked;
