/** Who may command this peer: a request with the right token, to a loopback name, from no foreign page (spec CTL-2 to CTL-5). */
import { HikyakuError } from "@hikyaku/protocol";
import type { FastifyRequest } from "fastify";
import { type Fault, faultOf } from "../loopback/caller.ts";

/** Of all refusals only the guard's have status 403: that is how a caller knows that it does not speak to its own peer. */
export class GuardRefusal extends HikyakuError {
  readonly status: number = 403;

  constructor(message: string) {
    super("UNAUTHORIZED", message);
  }
}

const sentences: Readonly<Record<Fault, string>> = {
  name: "The control interface answers to loopback names only.",
  origin: "The control interface answers no other site's pages.",
  token: "The control interface wants the token of this peer's folder.",
};

/** Throws GuardRefusal or UNSUPPORTED_MEDIA. */
export function guardRequest({ headers, method }: FastifyRequest, isToken: (offered: string) => boolean): void {
  const fault = faultOf(headers, isToken);
  if (fault !== undefined) throw new GuardRefusal(sentences[fault]);
  if (method === "POST" && !/^application\/json(?:;|$)/.test(headers["content-type"] ?? ""))
    throw new HikyakuError("UNSUPPORTED_MEDIA", "The control interface takes application/json.");
}
