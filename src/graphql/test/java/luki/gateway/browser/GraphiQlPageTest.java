package luki.gateway.browser;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import luki.gateway.standin.Fixture;
import luki.graphql.WithGraphQl;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

/** GraphiQL in a browser. */
@EnabledIf(
    value = "luki.gateway.browser.Chromium#isWanted",
    disabledReason = "Chromium is not installed: make browser-packages")
class GraphiQlPageTest {
  @AutoClose private static final Chromium BROWSER = Chromium.start();
  @AutoClose private static final Fixture SERVER = WithGraphQl.fixture();

  @Test
  void needsNothingFromElsewhereAndBreaksNoPolicy() {
    String origin = "http://127.0.0.1:" + SERVER.gateway().port();
    Tab page = BROWSER.tab(1180, 760).open(origin, "/graphql/ui");
    page.await("document.querySelector('.graphiql-execute-button')", "GraphiQL");
    page.await("document.querySelector('.CodeMirror')", "its editor");
    assertTrue(
        page.requested().stream()
            .allMatch(each -> each.startsWith("/graphql") || each.equals("/docs/icon.svg")),
        page.requested().toString());
    // The schema is asked for before its user has written a credential.
    String refused = "\"url\":\"" + origin + "/graphql\"";
    assertEquals(
        List.of(), page.problems().stream().filter(each -> !each.contains(refused)).toList());
  }
}
