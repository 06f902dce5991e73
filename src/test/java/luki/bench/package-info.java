/** {@code make bench}: the gateway beside other proxies, all of them over loopback in one run. */
package luki.bench;
