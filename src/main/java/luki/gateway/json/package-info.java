/**
 * Strict JSON in and out: the only room that knows Jackson, its YAML reader and the JSON Schema
 * validator.
 */
@NullMarked
package luki.gateway.json;

import org.jspecify.annotations.NullMarked;
