package luki.gateway.http;

import java.io.InputStream;
import luki.http1.Fields;

/**
 * A request as it came in.
 *
 * @param body not read yet; empty when the head declares none
 * @param declaredLength of the body in bytes, -1 when it is chunked
 * @param peer the address at the other end of the TCP connection
 */
public record Request(
    Method method,
    Query query,
    Fields headers,
    InputStream body,
    long declaredLength,
    String peer) {}
