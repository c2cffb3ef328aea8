/** Who may command this peer: a request with the right token, to a loopback name, from no foreign page (spec CTL-2 to CTL-5). */
import { HikyakuError } from "@hikyaku/protocol";
import type { FastifyRequest } from "fastify";

const bearer = "Bearer ";

/** Of all refusals only the guard's have status 403: that is how a caller knows that it does not speak to its own peer. */
export class GuardRefusal extends HikyakuError {
  readonly status: number = 403;

  constructor(message: string) {
    super("UNAUTHORIZED", message);
  }
}

/** Throws GuardRefusal or UNSUPPORTED_MEDIA. Names are judged before the token, so that a page of a rebound name learns nothing of it. */
export function guardRequest({ headers, method }: FastifyRequest, isToken: (offered: string) => boolean): void {
  if (!isLoopbackName(headers.host)) throw new GuardRefusal("The control interface answers to loopback names only.");
  if (headers.origin !== undefined && !isOwnOrigin(headers.origin, headers.host))
    throw new GuardRefusal("The control interface answers no other site's pages.");
  const { authorization } = headers;
  if (authorization === undefined || !authorization.startsWith(bearer) || !isToken(authorization.slice(bearer.length)))
    throw new GuardRefusal("The control interface wants the token of this peer's folder.");
  if (method === "POST" && !/^application\/json(?:;|$)/.test(headers["content-type"] ?? ""))
    throw new HikyakuError("UNSUPPORTED_MEDIA", "The control interface takes application/json.");
}

/** A DNS name that resolves to loopback is not enough: that is how a page reaches a local program (DNS rebinding). */
const isLoopbackName = (host: string | undefined): boolean => /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/.test(host ?? "");

const isOwnOrigin = (origin: string, host: string | undefined): boolean => origin === `http://${host}`;
