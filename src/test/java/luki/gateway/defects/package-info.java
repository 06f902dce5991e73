/** Regression tests: the name of each begins with the id of a defect of src/docs/DEFECTS.md. */
package luki.gateway.defects;
