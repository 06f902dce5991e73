package luki.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import luki.gateway.standin.RawUpstream;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A client that may connect to some addresses only, whatever a name server says. */
@Timeout(30)
class RestrictedTest {
  private static final InetAddress ALLOWED = InetAddress.ofLiteral("127.0.0.1");
  private static final InetAddress INTERNAL = InetAddress.ofLiteral("127.0.0.2");
  private static final Predicate<InetAddress> RULE = ALLOWED::equals;

  @AutoClose private final RawUpstream service = RawUpstream.answering(Calls.OK);
  @AutoClose private final ServerSocket internal = new ServerSocket();

  RestrictedTest() throws Exception {}

  @BeforeEach
  void listenAtTheSamePortOfBoth() throws Exception {
    internal.bind(new java.net.InetSocketAddress(INTERNAL, service.port()));
    internal.setSoTimeout(50);
  }

  private String call(Addresses.Resolver resolver, String host) throws Exception {
    try (WireClient client = new WireClient(Calls.SETTINGS, null, resolver.only(RULE))) {
      return Calls.body(
          client, Calls.get(Calls.origin(host, service.port()), Duration.ofSeconds(5)));
    }
  }

  private void assertNobodyCalledInside() {
    assertThrows(SocketTimeoutException.class, internal::accept);
  }

  @Test
  void beyondTheBoundOfLookUpsTheCallFails() throws Exception {
    Semaphore lookUps = new Semaphore(1);
    Addresses.Resolver found = _ -> List.of(ALLOWED);
    Addresses.Resolver bounded = found.within(lookUps);
    lookUps.acquire();
    assertThrows(ConnectException.class, () -> call(bounded, "receiver.test"));
    lookUps.release();
    assertEquals("200 hi", call(bounded, "receiver.test"));
    assertEquals(1, lookUps.availablePermits());
  }

  @Test
  void aNameThatChangesAfterItWasCheckedLeadsNowhereElse() throws Exception {
    AtomicInteger lookUps = new AtomicInteger();
    Addresses.Resolver rebinding =
        _ -> List.of(lookUps.getAndIncrement() == 0 ? ALLOWED : INTERNAL);
    assertEquals("200 hi", call(rebinding, "receiver.test"));
    assertEquals(1, lookUps.get(), "the connection uses the address that was checked");
    assertThrows(ConnectException.class, () -> call(rebinding, "receiver.test"));
    assertNobodyCalledInside();
  }

  @Test
  void ofSeveralAddressesOnlyTheAllowedOnesAreCalled() throws Exception {
    assertEquals("200 hi", call(_ -> List.of(INTERNAL, ALLOWED), "receiver.test"));
    assertNobodyCalledInside();
  }

  @Test
  void anAddressInPlaceOfANameIsCheckedToo() throws Exception {
    for (String host : List.of("127.0.0.2", "127.2", "2130706434")) {
      assertThrows(ConnectException.class, () -> call(Addresses.Resolver.ofSystem(), host));
    }
    assertNobodyCalledInside();
    WireClient client = WireClient.restricted(Calls.SETTINGS, RULE, new Semaphore(1));
    try (client) {
      assertThrows(
          ConnectException.class,
          () ->
              Calls.body(
                  client,
                  Calls.get(Calls.origin("127.0.0.2", service.port()), Duration.ofSeconds(5))));
    }
    assertNobodyCalledInside();
  }
}
