/**
 * IP addresses as texts, spelled one way, so that two can be compared and counted (spec §7). IPv4 in IPv6 clothes (`::ffff:1.2.3.4`) is IPv4 here:
 * otherwise one host would have two names, and a rule for one of them could be walked around with the other.
 */
import { isIPv6 } from "node:net";
import { limits } from "@hikyaku/protocol";

const groupsInAll = 8;
const mappedPrefix = "0:0:0:0:0:ffff";

/** The address without a zone (`%eth0` means something on one machine only), lowercase, shortest form. What is no IP address comes back as it is. */
export function plainIp(text: string): string {
  const address = text.replace(/%.*$/s, "");
  if (!isIPv6(address)) return address;
  const groups = ipv6Groups(address);
  const isMapped = groups.slice(0, 6).join(":") === mappedPrefix;
  return isMapped ? groups.slice(6).flatMap(octetsOf).join(".") : shortestIpv6(address);
}

/** The network that a plain address is counted under: its /24 or its /64. */
export function ipPrefix(ip: string): string {
  if (!isIPv6(ip)) return ip.split(".").slice(0, limits.ipv4PrefixOctets).join(".");
  return ipv6Groups(ip).slice(0, limits.ipv6PrefixGroups).join(":");
}

/** The host as it stands in a URL: IPv6 in brackets. */
export const urlHost = (ip: string): string => (isIPv6(ip) ? `[${ip}]` : ip);

/** The platform's own writer: hexadecimal groups only, the longest run of zeros as `::`. */
const shortestIpv6 = (address: string): string => new URL(`http://[${address}]`).hostname.slice(1, -1);

/** All eight groups, without leading zeros. */
function ipv6Groups(address: string): readonly string[] {
  const [head = [], tail = []] = shortestIpv6(address)
    .split("::")
    .map((half) => half.split(":").filter((group) => group !== ""));
  return [...head, ...Array<string>(groupsInAll - head.length - tail.length).fill("0"), ...tail];
}

function octetsOf(group: string): readonly number[] {
  const value = Number.parseInt(group, 16);
  return [value >> 8, value & 0xff];
}
