/**
 * The gRPC door: a listener of its own whose calls pass the same steps as requests over HTTP. The
 * methods that the file lists are passed on to services as bytes; the chat is typed.
 */
@NullMarked
package luki.grpc;

import org.jspecify.annotations.NullMarked;
