package luki.gateway.webhook;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Where a receiver may be, and where it may never be. */
class PublicAddressesTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "169.254.170.2",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "168.63.129.16",
        "::",
        "::1",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:2::1",
        "2001:10::1",
        "2001:20::1",
        "2001:db8::1",
        "2002:a00:1::",
        "2002:7f00:1::1",
        "2002:a9fe:a9fe::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
        "2606:4700::5efe:a00:1",
        "2606:4700::200:5efe:7f00:1"
      })
  void anAddressThatIsNotGloballyReachableIsRefused(String address) {
    assertFalse(PublicAddresses.contains(InetAddress.ofLiteral(address)), address);
    String host = address.contains(":") ? "[" + address + "]" : address;
    assertNull(PublicAddresses.parse("https://" + host + "/hook", false), address);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "128.0.0.1",
        "169.253.255.255",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.1",
        "198.17.1.1",
        "223.255.255.254",
        "2606:4700:4700::1111",
        "2a00:1450:4001:82a::200e",
        "2001:4860:4860::8888",
        "3ffe::1"
      })
  void anAddressThatIsGloballyReachableIsAllowed(String address) {
    assertTrue(PublicAddresses.contains(InetAddress.ofLiteral(address)), address);
    String host = address.contains(":") ? "[" + address + "]" : address;
    assertNotNull(PublicAddresses.parse("https://" + host + "/hook", false), address);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "hook",
        "/hook",
        "http://app.example.org/hook",
        "ftp://app.example.org/",
        "https:///hook",
        "https://user@app.example.org/",
        "https://user:word@app.example.org/",
        "https://app.example.org/#part",
        "https://app.example.org:0/",
        "https://app.example.org:65536/",
        "https://app.example.org/ a",
        "https://app.example.org/é",
        "https://under_score.example/",
        "https://localhost:1/\n",
        "file:///etc/passwd",
        "https://127.1/",
        "https://2130706433/",
        "https://[::1]/",
        "https://[fe80::1%25eth0]/",
        "javascript:alert(1)"
      })
  void anAddressThatIsNoPublicHttpsAddressIsRefused(String url) {
    assertNull(PublicAddresses.parse(url, false), url);
  }

  @Test
  void aReceiverOnThisMachineIsForDevelopmentOnly() {
    assertNotNull(PublicAddresses.parse("http://127.0.0.1:9000/hook", true));
    assertNotNull(PublicAddresses.parse("http://[::1]:9000/hook", true));
    assertNull(PublicAddresses.parse("http://10.0.0.1:9000/hook", true));
    assertNull(PublicAddresses.parse("http://169.254.169.254/latest", true));
    assertNull(PublicAddresses.parse("https://127.0.0.1/hook", false));
    assertTrue(PublicAddresses.rule(true).test(InetAddress.ofLiteral("127.0.0.1")));
    assertFalse(PublicAddresses.rule(true).test(InetAddress.ofLiteral("192.168.0.1")));
    assertFalse(PublicAddresses.rule(false).test(InetAddress.ofLiteral("127.0.0.1")));
  }

  @Test
  void aNameIsNotLookedUpBeforeItIsUsed() {
    assertEquals(
        "name.invalid", PublicAddresses.parse("https://name.invalid/hook?a=b", false).getHost());
  }
}
