import type { NetworkInterfaceInfo } from "node:os";
import { expect, test } from "vitest";
import { ownAddresses } from "./own-addresses.ts";

const entry = (address: string, internal = false): NetworkInterfaceInfo => {
  const rest = { address, internal, netmask: "", mac: "", cidr: null };
  return address.includes(":") ? { ...rest, family: "IPv6", scopeid: 0 } : { ...rest, family: "IPv4" };
};
const interfaces = {
  lo: [entry("127.0.0.1", true), entry("::1", true)],
  eth0: [entry("192.168.1.20"), entry("2001:db8::20"), entry("fe80::20")],
  wlan0: [entry("10.0.0.7"), entry("169.254.7.7"), entry("192.168.1.20")],
};
const bound = (address: string) => ({ address, port: 7340, family: "" });

test("a listener on every interface is reached at each of the machine's own addresses", () => {
  expect(ownAddresses(bound("::"), interfaces)).toEqual(["http://192.168.1.20:7340", "http://[2001:db8::20]:7340", "http://10.0.0.7:7340"]);
});

test("one that hears IPv4 only is not announced under IPv6", () => {
  expect(ownAddresses(bound("0.0.0.0"), interfaces)).toEqual(["http://192.168.1.20:7340", "http://10.0.0.7:7340"]);
});

test("without a network there is loopback", () => {
  expect(ownAddresses(bound("0.0.0.0"), { lo: interfaces.lo, tun0: undefined })).toEqual(["http://127.0.0.1:7340"]);
});

test.each([
  ["127.0.0.1", "http://127.0.0.1:7340"],
  ["::1", "http://[::1]:7340"],
  ["::ffff:10.0.0.7", "http://10.0.0.7:7340"],
])("one bound to %s is reached there and nowhere else", (host, address) => {
  expect(ownAddresses(bound(host), interfaces)).toEqual([address]);
});

test("a machine with many addresses names as many as a peer may be told", () => {
  const many = { eth0: Array.from({ length: 20 }, (_, index) => entry(`10.0.0.${index}`)) };
  expect(ownAddresses(bound("0.0.0.0"), many)).toHaveLength(8);
});
