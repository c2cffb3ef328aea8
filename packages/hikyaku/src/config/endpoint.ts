/**
 * An endpoint is where a listener listens or a peer is reached: a host and a port, written `host:port`, with an IPv6 host in brackets.
 * One text per endpoint: numbers without leading zeros, so that two settings can be compared by eye.
 */
import { isIPv4, isIPv6 } from "node:net";

export interface Endpoint {
  /** An IP address without brackets, or a DNS name. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

const portMax = 65_535;
const hostLengthMax = 253;
const hostName = /^(?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?\.)*[a-z](?:[a-z\d-]{0,61}[a-z\d])?$/i;

/** The endpoint that `host:port` names, or undefined. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const split = text.lastIndexOf(":");
  const host = parseHost(text.slice(0, Math.max(split, 0)));
  const port = parsePort(text.slice(split + 1));
  return host === undefined || port === undefined ? undefined : { host, port };
}

export function formatEndpoint({ host, port }: Endpoint): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether only this machine can reach the host. A DNS name may lead anywhere, so of names only `localhost` counts. */
export function isLoopbackHost(host: string): boolean {
  return host === "::1" || host.toLowerCase() === "localhost" || (isIPv4(host) && host.startsWith("127."));
}

/** Whether the host stands for every interface: a place to listen at, not one to dial. */
export function isWildcardHost(host: string): boolean {
  return host === "0.0.0.0" || (isIPv6(host) && /^[0:]+$/.test(host));
}

function parseHost(text: string): string | undefined {
  if (text.startsWith("[") && text.endsWith("]")) {
    const inner = text.slice(1, -1);
    // A zone (`%eth0`) has a meaning on this machine only and no place in a URL.
    return isIPv6(inner) && !inner.includes("%") ? inner : undefined;
  }
  return isIPv4(text) || (text.length <= hostLengthMax && hostName.test(text)) ? text : undefined;
}

function parsePort(text: string): number | undefined {
  const port = /^(?:0|[1-9]\d{0,4})$/.test(text) ? Number(text) : portMax + 1;
  return port <= portMax ? port : undefined;
}
