/**
 * Other entrances than HTTP with JSON, each in a jar of its own beside the gateway's. Without their
 * switches nothing of them is looked for or loaded.
 */
@NullMarked
package luki.gateway.door;

import org.jspecify.annotations.NullMarked;
