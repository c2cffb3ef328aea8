/** Which addresses a listener tells peers to dial (spec §9, after READY). One on every interface is reached at each of the machine's own addresses. */
import { type AddressInfo, isIPv4 } from "node:net";
import { networkInterfaces } from "node:os";
import { limits } from "@hikyaku/protocol";
import { addressKind } from "./address-kind.ts";
import { plainIp, urlHost } from "./ip-text.ts";

type Interfaces = ReturnType<typeof networkInterfaces>;

/** `http://host:port`, once each, at most as many as a peer may be told. */
export function ownAddresses(bound: AddressInfo, interfaces: Interfaces = networkInterfaces()): readonly string[] {
  const hosts = addressKind(bound.address) === "unspecified" ? reachableHosts(bound, interfaces) : [plainIp(bound.address)];
  return hosts.slice(0, limits.addressesPerPeerMax).map((host) => `http://${urlHost(host)}:${bound.port}`);
}

/** Link-local addresses need a zone that only this machine knows, so they are of no use to a peer. */
function reachableHosts({ address }: AddressInfo, interfaces: Interfaces): readonly string[] {
  const isHeard = (host: string): boolean => !isIPv4(address) || isIPv4(host);
  const hosts = Object.values(interfaces)
    .flatMap((entries) => entries ?? [])
    .filter((entry) => !entry.internal && isHeard(entry.address) && addressKind(entry.address) !== "link-local")
    .map((entry) => plainIp(entry.address));
  // A machine without a network can still be reached by its own programs. `::` hears IPv4 as well.
  return hosts.length > 0 ? [...new Set(hosts)] : ["127.0.0.1"];
}
