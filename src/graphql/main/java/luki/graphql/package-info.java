/** The door for GraphQL: documents whose fields are operations of the contract. */
@NullMarked
package luki.graphql;

import org.jspecify.annotations.NullMarked;
