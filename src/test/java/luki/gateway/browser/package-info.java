/** The pages as a person sees them, in headless Chromium: {@code make test-browser}. */
package luki.gateway.browser;
