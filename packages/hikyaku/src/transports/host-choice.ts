/**
 * From an announced address to the one IP that is dialled (spec §12, TRUST-6). The name is resolved once, and the very address that was judged is
 * the one connected to: a name server that answers differently the second time gains nothing.
 */

import { lookup } from "node:dns/promises";
import { addAbortListener } from "node:events";
import type { AddressKind } from "@hikyaku/peer";
import { HikyakuError, isPeerAddress } from "@hikyaku/protocol";
import { addressKind } from "./address-kind.ts";
import { plainIp } from "./ip-text.ts";

/** All IP addresses of a host, in the order to try them. Rejects with a system error. */
export type Resolve = (host: string) => Promise<readonly string[]>;

export interface ChosenHost {
  readonly ip: string;
  readonly port: number;
  /** `host:port` as announced, for the Host header. */
  readonly authority: string;
}

export interface HostChoiceSettings {
  readonly resolve: Resolve;
  readonly isAllowed: (ip: string, kind: AddressKind) => boolean;
  readonly signal: AbortSignal;
}

/** IPv4 first: listeners hear it by default, so `localhost` leads to one. */
export const systemResolve: Resolve = async (host) => (await lookup(host, { all: true, order: "ipv4first" })).map(({ address }) => address);

/** Rejects with UNREACHABLE where nothing may be dialled, and with the system's error where the name does not resolve. */
export async function chooseHost(address: string, { resolve, isAllowed, signal }: HostChoiceSettings): Promise<ChosenHost> {
  signal.throwIfAborted();
  if (!isPeerAddress(address)) throw new HikyakuError("UNREACHABLE", "A peer's address looks like http://host:port; this one does not.");
  const { hostname, port } = new URL(address);
  const found = await orAborted(resolve(hostname.replace(/^\[|\]$/g, "")), signal);
  const ips = found.map(plainIp);
  const ip = ips.find((candidate) => isAllowed(candidate, addressKind(candidate)));
  if (ip === undefined) throw forbidden(address, ips);
  return { ip, port: Number(port || 80), authority: address.slice("http://".length) };
}

function forbidden(address: string, ips: readonly string[]): HikyakuError {
  const places = ips.map((ip) => `${ip} (${addressKind(ip)})`).join(", ") || "no address at all";
  return new HikyakuError("UNREACHABLE", `${address} is not dialled: it resolves to ${places}, which nobody permitted.`);
}

/** A look-up cannot be called off, so its caller stops waiting for it. */
async function orAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>();
  using _listener = addAbortListener(signal, () => reject(signal.reason));
  return await Promise.race([work, promise]);
}
