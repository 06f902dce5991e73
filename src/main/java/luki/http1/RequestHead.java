package luki.http1;

/**
 * The head of a request.
 *
 * @param method a token, as sent
 * @param target the origin-form, or {@code *}; an absolute-form is reduced to its path and query
 * @param http11 false: HTTP/1.0
 * @param body how the body is framed
 */
public record RequestHead(
    String method, String target, boolean http11, Fields fields, BodyFraming body) {}
