/**
 * One class a filter: the steps that every request goes through, in the order that the chain lists.
 */
@NullMarked
package luki.gateway.filter;

import org.jspecify.annotations.NullMarked;
