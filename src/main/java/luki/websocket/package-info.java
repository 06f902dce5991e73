/**
 * The WebSocket protocol (RFC 6455) on a server's side, on any pair of byte streams: the handshake,
 * messages that are read frame by frame, and frames that are written by several threads. It knows
 * no HTTP server and no gateway; no extension is negotiated.
 */
@NullMarked
package luki.websocket;

import org.jspecify.annotations.NullMarked;
