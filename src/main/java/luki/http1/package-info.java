/**
 * HTTP/1.1 as RFC 9112 writes it, for both engines: grammar, field lines, body framing, and the
 * small interfaces by which an engine offers more than the JDK's API has. Where the RFC lets a
 * recipient be strict, this is: CRLF ends a line and nothing else does, and what could be read in
 * two ways is a {@link luki.http1.BadMessage}.
 */
@NullMarked
package luki.http1;

import org.jspecify.annotations.NullMarked;
