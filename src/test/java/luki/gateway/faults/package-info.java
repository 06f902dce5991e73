/**
 * Faults of src/docs/FAULTS.md, each caused for real and seen from outside; the tests are named for
 * the rows.
 */
package luki.gateway.faults;
