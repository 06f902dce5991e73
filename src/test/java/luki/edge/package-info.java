/** Tests of the room of the same name. */
package luki.edge;
