/** How a program outside this process does the work of a capability: it opens a serving, asks for news, says how its tasks go, and leaves. */
import type { Peer } from "@hikyaku/peer";
import { limits } from "@hikyaku/protocol";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { JudgeThreads } from "../judging/judge-threads.ts";
import { SchemaJudge } from "../judging/schema-judge.ts";
import { peerReference } from "./fields.ts";
import { goneSignal } from "./gone-signal.ts";
import { readPart } from "./request-part.ts";
import { readSaying } from "./saying.ts";
import { ServingDesk, type ServingSettings } from "./serving-desk.ts";

const peersMax = 256;
const word = z.string().min(1).max(limits.nameLengthMax);
const jsonSchema = z.union([z.boolean(), z.record(z.string(), z.unknown())], "a JSON Schema");
const offer = z.strictObject({
  capability: word,
  version: word.exactOptional(),
  description: z.string().max(limits.reasonLengthMax).exactOptional(),
  for: z.array(peerReference).max(peersMax).exactOptional(),
  concurrency: z.int().min(1).max(limits.taskConcurrencyMax).default(limits.taskConcurrencyDefault),
  idempotent: z.boolean().exactOptional(),
  inputSchema: jsonSchema.exactOptional(),
  outputSchema: jsonSchema.exactOptional(),
});

const handle = z.string().regex(/^[0-9a-f]{16}$/, "the id that was given");
const which = z.object({ id: handle });
const whichCapability = z.strictObject({ capability: word });
const whichErrand = z.object({ id: handle, errand: handle });

export function servingRoutes(app: FastifyInstance, peer: Peer): void {
  const desk = new ServingDesk(peer);
  const threads = new JudgeThreads();

  app.post("/servings", async ({ body }) => await desk.open(await settingsOf(readPart(body, offer), threads)));

  // A post, since it renews the lease and hands tasks out.
  app.post("/servings/:id/news", async ({ params }, reply) => await desk.news(readPart(params, which).id, goneSignal(reply)));

  app.post("/servings/:id/errands/:errand", async ({ params, body }) => {
    const { id, errand } = readPart(params, whichErrand);
    await desk.say(id, errand, readSaying(body));
    return {};
  });

  app.post("/servings/:id/suspension", async ({ params }) => {
    desk.suspend(readPart(params, which).id);
    return {};
  });

  app.post("/withdrawals", async ({ body }) => {
    await desk.withdraw(readPart(body, whichCapability).capability);
    return {};
  });

  app.delete("/servings/:id/errands/:errand", async ({ params }) => {
    const { id, errand } = readPart(params, whichErrand);
    desk.release(id, errand);
    return {};
  });

  app.delete("/servings/:id", async ({ params }) => {
    await desk.leave(readPart(params, which).id);
    return {};
  });
}

/** Rejects with INVALID_ARGUMENT where a schema is no JSON Schema that can be judged by. */
async function settingsOf(
  { inputSchema, outputSchema, ...settings }: z.infer<typeof offer>,
  threads: JudgeThreads,
): Promise<ServingSettings> {
  if (inputSchema === undefined && outputSchema === undefined) return settings;
  const judge = await SchemaJudge.of({ input: inputSchema, output: outputSchema }, threads);
  return {
    ...settings,
    gone: () => judge.dismiss(),
    ...(inputSchema === undefined ? {} : { input: judge.schema("input"), inputJsonSchema: inputSchema }),
    ...(outputSchema === undefined ? {} : { output: judge.schema("output"), outputJsonSchema: outputSchema }),
  };
}
