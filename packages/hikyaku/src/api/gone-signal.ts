/** Work for somebody who has gone is not done: a signal that aborts with the connection. */
import { HikyakuError } from "@hikyaku/protocol";
import type { FastifyReply } from "fastify";

/**
 * Listens on the response, not on its socket: the socket of a connection that is kept alive serves many requests, and what was hung onto it for the
 * first would still be there at the last.
 */
export function goneSignal({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController();
  const leave = (): void => {
    if (!raw.writableFinished) gone.abort(new HikyakuError("CANCELED", "Whoever asked has gone."));
  };
  // Who asks for an agent may go while it is judged.
  if (raw.closed) leave();
  else raw.once("close", leave);
  return gone.signal;
}
