import { expect, test } from "vitest";
import { ipPrefix, plainIp, urlHost } from "./ip-text.ts";

test.each([
  ["192.168.1.20", "192.168.1.20"],
  ["::ffff:1.2.3.4", "1.2.3.4"],
  ["::FFFF:0102:0304", "1.2.3.4"],
  ["0:0:0:0:0:ffff:255.0.255.0", "255.0.255.0"],
  ["::", "::"],
  ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
  ["fe80::1%eth0", "fe80::1"],
  ["::ffff:0:1.2.3.4", "::ffff:0:102:304"],
  ["desk", "desk"],
  ["", ""],
])("%s is written %s", (text, plain) => {
  expect(plainIp(text)).toBe(plain);
});

test.each([
  ["203.0.113.7", "203.0.113.250"],
  ["2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"],
  ["::1", "::2"],
])("%s and %s count as one place [HTTP-3]", (one, other) => {
  expect(ipPrefix(one)).toBe(ipPrefix(other));
});

test.each([
  ["203.0.113.7", "203.0.112.7"],
  ["2001:db8:1:2::1", "2001:db8:1:3::1"],
  ["2001:db8::1", "2001:db8:0:1::1"],
])("%s and %s count as two [HTTP-3]", (one, other) => {
  expect(ipPrefix(one)).not.toBe(ipPrefix(other));
});

test("an IPv6 address stands in brackets in a URL", () => {
  expect([urlHost("::1"), urlHost("127.0.0.1")]).toEqual(["[::1]", "127.0.0.1"]);
});
