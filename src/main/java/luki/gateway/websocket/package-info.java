/**
 * Chats over WebSocket. Each message of a client becomes a request to the chat stream's operation
 * and passes every step that a request over HTTP passes.
 */
@NullMarked
package luki.gateway.websocket;

import org.jspecify.annotations.NullMarked;
