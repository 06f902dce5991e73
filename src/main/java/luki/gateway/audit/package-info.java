/** The audit trail: a chain of records in a file, and its verification. */
@NullMarked
package luki.gateway.audit;

import org.jspecify.annotations.NullMarked;
