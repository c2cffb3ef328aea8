/** The program of a thread that judges: it reads JSON Schemas that others wrote, and judges values by them for as long as that takes. Whoever asks it bounds the time. */
import { parentPort } from "node:worker_threads";
import { z } from "zod";
import type { Answer, Question, Side } from "./question.ts";

/** Of a value with what the schema's defaults add to it: four times what a message may hold. */
const textLengthMax = 512 * 1024;
const messageLengthMax = 1024;

const schemas = new Map<Side, z.ZodType>();

function answerTo({ kind, side, text }: Question): Answer {
  try {
    if (kind === "value") return judge(side, text);
    schemas.set(side, z.fromJSONSchema(JSON.parse(text) as Parameters<typeof z.fromJSONSchema>[0]));
    return { kind: "fit", text };
  } catch (error) {
    // What a schema throws while it judges is about the schema, and no concern of whoever sent the value.
    if (kind === "value") return unfit("the schema could not judge it");
    return unfit(error instanceof Error ? error.message : "it is no JSON Schema");
  }
}

function judge(side: Side, text: string): Answer {
  const { data, error } = schemas.get(side)?.safeParse(JSON.parse(text)) ?? {};
  const [issue] = error?.issues ?? [];
  if (issue !== undefined) return unfit(issue.message, issue.path.map(asKey));
  const judged = JSON.stringify(data ?? null);
  return judged.length > textLengthMax ? unfit("with the schema's defaults it is too large") : { kind: "fit", text: judged };
}

const asKey = (key: PropertyKey): string | number => (typeof key === "symbol" ? String(key) : key);

const unfit = (message: string, path: readonly (string | number)[] = []): Answer => ({
  kind: "unfit",
  problem: { message: message.slice(0, messageLengthMax), path },
});

parentPort?.on("message", (question: Question) => parentPort?.postMessage(answerTo(question)));
parentPort?.postMessage("up");
