import { HikyakuError } from "@hikyaku/protocol";
import type { FastifyRequest } from "fastify";
import type { z } from "zod";

/** The part of a request in its form; throws INVALID_ARGUMENT naming the field that is wrong. */
export function readPart<Value>(part: unknown, schema: z.ZodType<Value>): Value {
  const parsed = schema.safeParse(part);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue === undefined || issue.path.length === 0 ? "The request" : issue.path.join(".");
  throw new HikyakuError("INVALID_ARGUMENT", `${field}: ${issue?.message ?? "not well-formed"}.`);
}

/** Aborts when whoever asked has gone. */
export function goneSignal({ raw }: FastifyRequest): AbortSignal {
  const gone = new AbortController();
  raw.socket.once("close", () => gone.abort(new HikyakuError("CANCELED", "Whoever asked has gone.")));
  return gone.signal;
}
