/** A complete gateway on a free port, and clients that see the exact bytes of replies. */
package luki.gateway.testing;
