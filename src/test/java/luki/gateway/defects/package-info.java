/**
 * What went wrong once must not come back: the name of each test begins with the id of a defect.
 */
package luki.gateway.defects;
