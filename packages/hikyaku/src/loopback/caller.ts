/**
 * Who may use a listener that is there for this machine's owner alone (spec CTL-2 to CTL-4, MCP-2 to MCP-4): whoever calls it by a loopback name, comes from no foreign page and has its token.
 * What the refused are told is the listener's business.
 */
import type { IncomingHttpHeaders } from "node:http";

/** What is wrong with a caller. */
export type Fault = "name" | "origin" | "token";

const bearer = "Bearer ";

/** Names are judged before the token, so that a page of a rebound name learns nothing of it. */
export function faultOf(
  { host, origin, authorization }: Pick<IncomingHttpHeaders, "host" | "origin" | "authorization">,
  isToken: (offered: string) => boolean,
): Fault | undefined {
  if (!isLoopbackName(host)) return "name";
  if (origin !== undefined && !isOwnOrigin(origin, host)) return "origin";
  if (authorization === undefined || !authorization.startsWith(bearer) || !isToken(authorization.slice(bearer.length))) return "token";
  return undefined;
}

/** A DNS name that resolves to loopback is not enough: that is how a page reaches a local program (DNS rebinding). */
const isLoopbackName = (host: string | undefined): boolean => /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/.test(host ?? "");

const isOwnOrigin = (origin: string, host: string | undefined): boolean => origin === `http://${host}`;
