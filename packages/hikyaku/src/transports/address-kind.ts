/**
 * What kind of place an IP address is (spec §12, TRUST-6: addresses are hostile input). Whoever may say where we connect could point us at our own
 * machine or network. This file only classifies; who may dial what is the caller's policy. The ranges are IANA's special-purpose registries.
 */
import { BlockList, isIP, isIPv4 } from "node:net";
import type { AddressKind } from "@hikyaku/peer";
import { plainIp } from "./ip-text.ts";

const ranges: Readonly<Record<Exclude<AddressKind, "public">, string>> = {
  loopback: "127.0.0.0/8 ::1/128",
  // 100.64.0.0/10 lies behind a carrier's NAT or inside a VPN; fec0::/10 is the old site-local range.
  private: "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 fc00::/7 fec0::/10",
  "link-local": "169.254.0.0/16 fe80::/10",
  multicast: "224.0.0.0/4 ff00::/8",
  unspecified: "0.0.0.0/32 ::/128",
  // Documentation, benchmarks, old experiments; Teredo and 6to4 (the last two) wrap an IPv4 address that may be a private one.
  reserved:
    "0.0.0.0/8 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 240.0.0.0/4 " +
    "2001:db8::/32 3fff::/20 2001::/23 2002::/16",
};

const familyOf = (ip: string): "ipv4" | "ipv6" => (isIPv4(ip) ? "ipv4" : "ipv6");

/** IANA has given out nothing else for ordinary hosts: translated, discarded and future ranges all lie outside. */
const ipv6Unicast = blockListOf("2000::/3");

const kinds = Object.entries(ranges).map(([kind, row]) => ({ kind: kind as AddressKind, list: blockListOf(row) }));

/** Text that is no IP address counts as reserved, so that a caller's mistake closes a door instead of opening one. */
export function addressKind(text: string): AddressKind {
  const ip = plainIp(text);
  if (isIP(ip) === 0) return "reserved";
  const family = familyOf(ip);
  const found = kinds.find(({ list }) => list.check(ip, family));
  if (found !== undefined) return found.kind;
  return family === "ipv4" || ipv6Unicast.check(ip, family) ? "public" : "reserved";
}

function blockListOf(row: string): BlockList {
  const list = new BlockList();
  for (const text of row.split(" ")) {
    const [network = "", bits] = text.split("/");
    list.addSubnet(network, Number(bits), familyOf(network));
  }
  return list;
}
