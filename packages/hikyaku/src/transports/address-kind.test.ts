import { expect, test } from "vitest";
import { addressKind } from "./address-kind.ts";

test.each([
  ["loopback", "127.0.0.1 127.255.255.255 ::1 0:0:0:0:0:0:0:1 ::ffff:127.0.0.1 ::ffff:7f00:1 0:0:0:0:0:FFFF:7F00:0001"],
  ["private", "10.0.0.0 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1 100.64.0.1 100.127.255.255"],
  ["private", "::ffff:10.1.2.3 ::ffff:c0a8:1 fc00::1 fd12:3456::1 fdff:ffff:: fec0::1"],
  ["link-local", "169.254.169.254 ::ffff:169.254.0.1 fe80::1 fe80::1%eth0 febf::1"],
  ["multicast", "224.0.0.251 239.255.255.255 ::ffff:224.0.0.1 ff02::fb ff00::"],
  ["unspecified", "0.0.0.0 :: ::ffff:0.0.0.0"],
  ["reserved", "0.0.0.1 192.0.0.8 192.0.2.1 192.88.99.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9 240.0.0.1 255.255.255.255"],
  ["reserved", "2001:db8::1 2001::1 2001:1ff::1 2002:7f00:1:: 3fff::1 64:ff9b::7f00:1 64:ff9b:1::1 100::1 ::127.0.0.1 ::2 4000::1 fe00::1"],
  ["public", "1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.0.1 172.15.255.255"],
  ["public", "172.32.0.0 192.167.255.255 192.169.0.0 223.255.255.255 ::ffff:8.8.8.8 2001:200::1 2606:4700::1111 2a00:1450::1 3ffe::1"],
])("these are %s, in every spelling: %s [TRUST-6]", (kind, addresses) => {
  const found = addresses.split(" ").map((address) => [address, addressKind(address)]);
  expect(found).toEqual(addresses.split(" ").map((address) => [address, kind]));
});

test.each(["", "desk", "127.1", "0x7f.0.0.1", "127.0.0.01", "2130706433", "1.2.3.4.5", "1.2.3.4:80", "[::1]", "::g", "1::2::3"])(
  "%j is no IP address and counts as reserved, so that nobody dials it [TRUST-6]",
  (text) => {
    expect(addressKind(text)).toBe("reserved");
  },
);
