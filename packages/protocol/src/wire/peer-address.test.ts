import fc from "fast-check";
import { expect, test } from "vitest";
import { isPeerAddress } from "./peer-address.ts";

test.each([
  "http://192.0.2.1:7420",
  "http://[2001:db8::1]:1",
  "http://[::ffff:192.0.2.1]:65535",
  "http://alice.example:80",
  "http://a:443",
])("%s is an address", (address) => {
  expect(isPeerAddress(address)).toBe(true);
});

test.each([
  "",
  "http://",
  "http://alice.example",
  "http://alice.example:",
  "http://alice.example:0",
  "http://alice.example:65536",
  "http://alice.example:+80",
  "http://alice.example:8e1",
  "http://alice.example:0x50",
  "http://alice.example: 80",
  "http://alice.example:80/",
  "http://alice.example:80/path",
  "http://alice.example:80?query",
  "http://alice.example:80#fragment",
  "http://user@alice.example:80",
  "http://user:pass@alice.example:80",
  "http://alice.example:80@evil.example:80",
  "http://alice.example\\@evil.example:80",
  "http://alice.example:80\n",
  "http://alice.example:80\r\nHost: evil.example:80",
  "http://ali ce:80",
  "http://alicé.example:80",
  "http://%61lice:80",
  "http://:80",
  "http://[]:80",
  "http://[2001:db8::1:80",
  "http://2001:db8::1:80",
  "http://[fe80::1%25eth0]:80",
  "http://[::1]evil:80",
  "https://alice.example:443",
  "HTTP://alice.example:80",
  "file:///etc/passwd:80",
  `http://${"a".repeat(254)}:80`,
])("%j is no address", (address) => {
  expect(isPeerAddress(address)).toBe(false);
});

/** The platform's URL parser may refuse such a text; where it reads it, it must not see anything but a host and a port. */
function hasHostAndPortOnly(text: string): boolean {
  const url = URL.parse(text);
  return url === null || (url.username + url.password + url.search + url.hash === "" && url.pathname === "/" && url.protocol === "http:");
}

test("what passes as an address hides no user, path, query or fragment from a URL parser", () => {
  const letter = fc.constantFrom(..."a1.:-[]@/?#%\\ \t\n".split(""));
  const addresses = fc.string({ unit: letter, maxLength: 12 }).map((host) => `http://${host}:80`);
  fc.assert(
    fc.property(addresses, (address) => {
      expect(!isPeerAddress(address) || hasHostAndPortOnly(address)).toBe(true);
    }),
    { numRuns: 3000 },
  );
});
