import fc from "fast-check";
import { expect, test } from "vitest";
import { formatEndpoint, isLoopbackHost, isWildcardHost, parseEndpoint } from "./endpoint.ts";

test.each([
  ["0.0.0.0:7340", { host: "0.0.0.0", port: 7340 }],
  ["[::]:7340", { host: "::", port: 7340 }],
  ["[::1]:0", { host: "::1", port: 0 }],
  ["localhost:65535", { host: "localhost", port: 65535 }],
  ["desk.example.org:80", { host: "desk.example.org", port: 80 }],
])("%s is an endpoint and is written back the same", (text, endpoint) => {
  expect(parseEndpoint(text)).toEqual(endpoint);
  expect(formatEndpoint(endpoint)).toBe(text);
});

test.each([
  ["", "nothing"],
  ["7340", "no host"],
  [":7340", "an empty host"],
  ["desk", "no port"],
  ["desk:", "an empty port"],
  ["desk:65536", "a port too high"],
  ["desk:-1", "a negative port"],
  ["desk:080", "a leading zero"],
  ["desk:1e3", "an exponent"],
  ["::1:7340", "IPv6 without brackets"],
  ["[::1]", "brackets without a port"],
  ["[desk]:80", "brackets around a name"],
  ["[fe80::1%eth0]:80", "a zone"],
  ["999.0.0.1:80", "a number past a byte"],
  ["1.2.3:80", "half an IPv4 address"],
  ["http://desk:80", "a URL"],
  ["desk :80", "a blank"],
  ["-desk:80", "a leading dash"],
])("%j is no endpoint: %s", (text) => {
  expect(parseEndpoint(text)).toBeUndefined();
});

test("whatever text parses is written back the same", () => {
  const host = fc.oneof(
    fc.ipV4(),
    fc.ipV6().map((text) => `[${text}]`),
    fc.domain(),
    fc.string(),
  );
  const run = fc.property(host, fc.nat(70_000), (name, port) => {
    const endpoint = parseEndpoint(`${name}:${port}`);
    return endpoint === undefined || formatEndpoint(endpoint) === `${name}:${port}`;
  });
  expect(() => fc.assert(run)).not.toThrow();
});

test("only hosts of this machine are loopback", () => {
  for (const host of ["127.0.0.1", "127.1.2.3", "::1", "localhost", "LOCALHOST"]) expect(isLoopbackHost(host)).toBe(true);
  for (const host of ["0.0.0.0", "::", "128.0.0.1", "127.example.org", "localhost.example.org"]) expect(isLoopbackHost(host)).toBe(false);
});

test("only hosts that stand for every interface are wildcards", () => {
  for (const host of ["0.0.0.0", "::", "0:0:0:0:0:0:0:0"]) expect(isWildcardHost(host)).toBe(true);
  for (const host of ["127.0.0.1", "::1", "desk"]) expect(isWildcardHost(host)).toBe(false);
});
