/** A whole gateway on a free port, and a client that sees exactly what comes over the wire. */
package luki.gateway.testing;
