package luki.gateway.browser;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import luki.gateway.standin.Fixture;
import luki.gateway.testing.Client;
import luki.gateway.testing.Waiting;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The console in a browser, as its user meets it. */
@EnabledIf(
    value = "luki.gateway.browser.Chromium#isWanted",
    disabledReason = "Chromium is not installed: make browser-packages")
class ConsoleTest {
  @AutoClose private static final Chromium BROWSER = Chromium.start();

  @AutoClose
  private static final Fixture SERVER =
      Fixture.start(gateway -> gateway.with("METRICS_ACCESS", "scope"));

  private static final String ORIGIN = "http://127.0.0.1:" + SERVER.gateway().port();

  /** Puts the colours that the text and its background have into one list, as contrast ratios. */
  private static final String LOW_CONTRAST =
      """
      (() => {
        const parts = colour => colour.match(/[\\d.]+/g).map(Number);
        const light = colour => {
          const [r, g, b] = parts(colour).map(c => c / 255)
            .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const behind = element => {
          for (let at = element; at; at = at.parentElement) {
            const colour = getComputedStyle(at).backgroundColor;
            if ((parts(colour)[3] ?? 1) === 1) return colour;
          }
          return "rgb(255, 255, 255)";
        };
        return [...document.body.querySelectorAll("*")]
          .filter(one => one.checkVisibility() && !one.disabled
            && (one.matches("input, textarea")
              || [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim())))
          .map(one => [one, light(getComputedStyle(one).color), light(behind(one))])
          .map(([one, a, b]) => [one, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)])
          .filter(([one, ratio]) => ratio < 4.5)
          .map(([one, ratio]) => one.outerHTML.slice(0, 80) + " " + ratio);
      })()
      """;

  private static Tab open(int width, int height) {
    return BROWSER.tab(width, height).open(ORIGIN, "/console");
  }

  private static String key(String... scopes) {
    return SERVER.gateway().key(List.of(Fixture.MARIA), scopes);
  }

  /** Goes from field to field as with the Tab key until that one has the focus. */
  private static void tabTo(Tab page, String id) {
    for (int i = 0; i < 20; i++) {
      page.press("Tab");
      if (page.text("document.activeElement.id").equals(id)) {
        assertEquals("solid", page.text("getComputedStyle(document.activeElement).outlineStyle"));
        return;
      }
    }
    throw new AssertionError("the Tab key does not lead to " + id);
  }

  private static Tab use(Tab page, String key) {
    tabTo(page, "key");
    page.type(key).press("Enter");
    return page;
  }

  private static void say(Tab page, String message) {
    if (page.text("document.querySelector('#user').value").isEmpty()) {
      tabTo(page, "user");
      page.type(Fixture.MARIA);
    }
    page.evaluate("document.querySelector('#user').focus()");
    page.press("Tab").type(message).press("Enter");
  }

  private static void awaitReply(Tab page) {
    page.await("document.querySelector('#outcome').textContent === 'done'", "a reply");
  }

  @Test
  void aChatByKeyboardShowsTheTraceTheFirstTokenAndTheEventsAsTheyCame() {
    Tab page = open(1280, 900);
    String key = key("chat:write", "usage:read", "ops:read");
    use(page, key).await("document.querySelector('#forget').checkVisibility()", "the key in use");
    assertEquals("", page.text("document.querySelector('#key').value"));
    say(page, "Tell me about hiking");
    awaitReply(page);
    String trace = page.text("document.querySelector('#trace').textContent");
    assertTrue(trace.matches("[0-9a-f]{32}"), trace);
    Waiting.until(
        Duration.ofSeconds(5),
        () -> SERVER.gateway().log().stream().anyMatch(line -> line.contains(trace)));
    assertTrue(
        page.text("document.querySelector('#first').textContent").matches("\\d+\\.\\d{3} s"));
    String events = "[...document.querySelectorAll('#events li')].map(one => one.textContent)";
    List<String> shown = page.evaluate(events).stringList();
    assertTrue(shown.size() > 2, shown::toString);
    for (int i = 0; i < shown.size() - 1; i++) {
      String token = "\\d+\\.\\d{3} s" + (i + 1) + " message \\{\"token\":\".*\"\\}";
      assertTrue(shown.get(i).matches(token), shown.get(i));
    }
    String last = shown.getLast();
    assertTrue(last.matches("\\d+\\.\\d{3} s" + shown.size() + " done \\{\"done\":true.*"), last);
    assertFalse(
        page.text("document.querySelector('#log p:last-child span').textContent").isBlank());
    say(page, "And then?");
    page.await("document.querySelectorAll('#log p').length === 4", "a second reply");
    awaitReply(page);
    assertEquals(List.of(), page.problems());
    assertEquals(
        "0 0 false",
        page.text(
            "localStorage.length + ' ' + document.cookie.length + ' ' + Boolean(sessionStorage.length)"));
    assertFalse(page.text("document.documentElement.outerHTML").contains(key));
  }

  @Test
  void theTilesShowWhatTheGatewayCounts() {
    Tab page = use(open(1280, 900), key("chat:write", "usage:read", "ops:read"));
    page.await("document.querySelectorAll('.tile').length === 6", "the tiles");
    // What the first reading of the metrics counts was there before the console.
    page.await("/\\d \\/s/.test(document.querySelector('.tile').innerText)", "a first reading");
    Client maria = SERVER.maria();
    for (int i = 0; i < 3; i++) {
      maria.get("/v1/cognitive/life-story/phases").expect(200);
    }
    maria.get("/v1/elr/items/anna").expect(403);
    String rows = "[...document.querySelectorAll('#routes tr')].map(one => one.innerText)";
    page.await(rows + ".some(one => /life-story.phases\\t3\\t0\\t≤ /.test(one))", "three requests");
    page.await(rows + ".some(one => /^.v1.elr.items.\\S+\\t1\\t1\\t≤ /.test(one))", "one error");
    String tiles = "[...document.querySelectorAll('.tile')].map(one => one.innerText).join(' | ')";
    for (String part : List.of("Traffic", "Latency", "Errors", "Streams", "0 open", "Limits")) {
      assertTrue(page.text(tiles).contains(part), page.text(tiles));
    }
    String services = page.text("document.querySelector('#services').innerText");
    assertTrue(services.contains("agent: up") && services.contains("tokens: "), services);
    String curves = "[...document.querySelectorAll('.tile svg')].map(one => one.ariaLabel)";
    assertEquals(6, page.evaluate(curves).size());
    assertEquals(List.of(), page.problems());
  }

  @Test
  void withoutOpsReadThereAreNoTilesAndTheChatWorks() {
    Tab page = use(open(1280, 900), key("chat:write"));
    page.await("document.querySelector('#operator-hint').innerText.includes('lacks')", "a hint");
    assertEquals("0", page.text("document.querySelectorAll('.tile').length"));
    say(page, "Hello");
    awaitReply(page);
  }

  @Test
  void aKeyThatIsNotAcceptedIsNotUsed() {
    Tab page = use(open(1280, 900), "luki_no_key");
    page.await("document.querySelector('#status').className === 'bad'", "a refusal");
    String said = page.text("document.querySelector('#status').innerText");
    assertEquals("The gateway does not accept this key.", said);
    assertFalse(page.evaluate("document.querySelector('#forget').checkVisibility()").isTrue());
  }

  @Test
  void aRefusalShowsItsCodeAndAStopEndsTheReply() {
    Tab page = use(open(1280, 900), key("usage:read", "ops:read"));
    page.await("document.querySelector('#forget').checkVisibility()", "the key in use");
    say(page, "Hello");
    page.await("document.querySelector('#outcome').textContent === '403 FORBIDDEN'", "a refusal");
    use(page, key("chat:write", "usage:read"));
    page.await("document.querySelector('#outcome').textContent === '–'", "a fresh start");
    page.await("document.querySelector('#forget').checkVisibility()", "the key in use");
    say(page, "Tell me about hiking");
    page.await("document.querySelector('#first').textContent !== '–'", "a first token");
    page.evaluate("document.querySelector('#stop').click()");
    page.await("!document.querySelector('#send').disabled", "the end");
    page.await(
        "['stopped', 'done'].includes(document.querySelector('#outcome').textContent)", "it");
  }

  @ParameterizedTest
  @CsvSource({
    "console, 1180, 920, false",
    "console-dark, 1180, 920, true",
    "console-phone, 360, 780, false"
  })
  void everyoneCanReadAndReachIt(String name, int width, int height, boolean dark) {
    Tab tab = BROWSER.tab(width, height);
    Tab page = (dark ? tab.dark() : tab).open(ORIGIN, "/console");
    use(page, key("chat:write", "usage:read", "ops:read"));
    page.await("document.querySelector('#forget').checkVisibility()", "the key in use");
    say(page, "Tell me about hiking");
    awaitReply(page);
    page.await("document.querySelectorAll('.tile').length === 6", "the tiles");
    Tab.whenKept(() -> fill(page));
    assertEquals(List.of(), page.evaluate(LOW_CONTRAST).stringList());
    assertEquals(
        dark,
        page.evaluate("getComputedStyle(document.body).backgroundColor === 'rgb(15, 23, 26)'")
            .isTrue());
    assertEquals(
        List.of(),
        page.evaluate(
                "[...document.querySelectorAll('input, textarea')].filter(one => !one.labels.length).map(one => one.id)")
            .stringList());
    assertEquals(
        List.of(),
        page.evaluate(
                "[...document.querySelectorAll('button, input, textarea')].filter(one => one.checkVisibility() && one.offsetHeight < 24).map(one => one.id)")
            .stringList());
    assertEquals("0", page.text("document.documentElement.scrollWidth - innerWidth"));
    assertEquals("1", page.text("document.querySelectorAll('h1').length"));
    page.evaluate("scrollTo(0, 0)");
    page.picture(name);
    assertEquals(List.of(), page.problems());
  }

  /** Calls of all kinds for half a minute, so that the pictures show curves. */
  private static void fill(Tab page) {
    Client maria = SERVER.maria();
    int[] calls = {0};
    page.await(
        () -> {
          for (int i = 0; i < 1 + calls[0] % 7; i++) {
            maria.get("/v1/cognitive/life-story/phases");
            maria.post("/v1/elr/search", Fixture.SEARCH);
          }
          maria.get(calls[0]++ % 5 == 0 ? "/v1/elr/items/anna" : Fixture.ITEMS);
        },
        "document.querySelector('.tile polyline').points.length > 9");
  }
}
