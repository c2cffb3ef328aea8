/** The program of a thread that judges: it reads JSON Schemas that others wrote, and judges values by them for as long as that takes. Whoever asks it bounds the time. */
import { parentPort } from "node:worker_threads";
import { z } from "zod";
import type { Answer, Question, Side } from "./question.ts";
import { withoutDefaults } from "./without-defaults.ts";

const messageLengthMax = 1024;

const schemas = new Map<Side, z.ZodType>();

function answerTo({ kind, side, text }: Question): Answer {
  try {
    if (kind === "value") return judge(side, text);
    schemas.set(side, z.fromJSONSchema(withoutDefaults(JSON.parse(text)) as Parameters<typeof z.fromJSONSchema>[0]));
    return { kind: "fit" };
  } catch (error) {
    // What a schema throws while it judges is about the schema, and no concern of whoever sent the value.
    if (kind === "value") return unfit("the schema could not judge it");
    return unfit(error instanceof Error ? error.message : "it is no JSON Schema");
  }
}

function judge(side: Side, text: string): Answer {
  const schema = schemas.get(side);
  if (schema === undefined) return unfit("there is no schema to judge it by");
  const { error } = schema.safeParse(JSON.parse(text));
  const [issue] = error?.issues ?? [];
  return issue === undefined ? { kind: "fit" } : unfit(issue.message, issue.path.map(asKey));
}

const asKey = (key: PropertyKey): string | number => (typeof key === "symbol" ? String(key) : key);

const unfit = (message: string, path: readonly (string | number)[] = []): Answer => ({
  kind: "unfit",
  problem: { message: message.slice(0, messageLengthMax), path },
});

parentPort?.on("message", (question: Question) => parentPort?.postMessage(answerTo(question)));
parentPort?.postMessage("up");
