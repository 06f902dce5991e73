/**
 * Event streams that go on for a while without their client, which may ask for the rest of them.
 */
@NullMarked
package luki.gateway.resume;

import org.jspecify.annotations.NullMarked;
