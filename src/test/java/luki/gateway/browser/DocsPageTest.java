package luki.gateway.browser;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import luki.gateway.testing.TestGateway;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

/** The contract's page in a browser. */
@EnabledIf(
    value = "luki.gateway.browser.Chromium#isWanted",
    disabledReason = "Chromium is not installed: make browser-packages")
class DocsPageTest {
  @AutoClose private static final Chromium BROWSER = Chromium.start();
  @AutoClose private static final TestGateway GATEWAY = TestGateway.builder().start();

  @Test
  void needsNothingFromElsewhereAndBreaksNoPolicy() {
    String origin = "http://127.0.0.1:" + GATEWAY.port();
    Tab page = BROWSER.tab(1180, 760).open(origin, "/docs");
    page.await("document.querySelector('img[src=\"/docs/icon.svg\"]')", "Redoc's footer");
    page.await(
        "document.body.innerText.includes('Say something and get the whole answer')",
        "the operations");
    // Its search runs in a worker.
    page.evaluate("document.querySelector('input[type=text]').focus()");
    page.type("erase").await("document.querySelector('[data-role=search\\\\:results]')", "results");
    page.press("Escape");
    page.evaluate("document.querySelector('[id=\"tag/chat\"]').scrollIntoView()");
    page.await("location.hash.startsWith('#tag/chat')", "the chat's operations in view");
    page.picture("docs");
    assertEquals(List.of(), page.problems());
    assertEquals(
        List.of("/docs", "/docs/icon.svg", "/docs/redoc.standalone.js", "/openapi.json"),
        page.requested().stream().sorted().toList());
    assertTrue(page.text("document.querySelector('link[rel=icon]').href").startsWith(origin));
  }
}
