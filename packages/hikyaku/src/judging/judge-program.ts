/** The program of a thread that judges: it reads JSON Schemas that others wrote, and judges values by them for as long as that takes. Whoever asks it bounds the time. */
import { parentPort } from "node:worker_threads";
import { z } from "zod";
import { visible } from "../text/visible.ts";
import type { Answer, Question, Side } from "./question.ts";
import { withoutDefaults } from "./without-defaults.ts";

const messageLengthMax = 1024;

interface ReadSchema {
  readonly schema: z.ZodType;
  /** As JSON. */
  readonly text: string;
}

const schemas = new Map<Side, ReadSchema>();

function answerTo({ kind, side, text }: Question): Answer {
  try {
    if (kind === "value") return judge(side, text);
    schemas.set(side, { schema: z.fromJSONSchema(withoutDefaults(JSON.parse(text)) as Parameters<typeof z.fromJSONSchema>[0]), text });
    return { kind: "fit" };
  } catch (error) {
    // What a schema throws while it judges is about the schema, and no concern of whoever sent the value.
    if (kind === "value") return unfit("the schema could not judge it");
    return unfit(error instanceof Error ? error.message : "it is no JSON Schema");
  }
}

function judge(side: Side, text: string): Answer {
  const read = schemas.get(side);
  if (read === undefined) return unfit("there is no schema to judge it by");
  const { error } = read.schema.safeParse(JSON.parse(text));
  const [issue] = error?.issues ?? [];
  return issue === undefined
    ? { kind: "fit" }
    : unfit(
        wordsOn(issue),
        issue.path.map((part) => placeOf(part, read)),
      );
}

/** This peer says them, so they hold nothing that whoever sent the value has written. */
const wordsOn = ({ code, message }: z.core.$ZodIssue): string =>
  code === "unrecognized_keys" ? "it has keys that the schema does not name" : message;

/** A key that only the value has is a star. */
function placeOf(part: PropertyKey, { text }: ReadSchema): string | number {
  if (typeof part === "number") return part;
  const key = String(part);
  return text.includes(JSON.stringify(key)) ? visible(key) : "*";
}

const unfit = (message: string, path: readonly (string | number)[] = []): Answer => ({
  kind: "unfit",
  problem: { message: visible(message).slice(0, messageLengthMax), path },
});

parentPort?.on("message", (question: Question) => parentPort?.postMessage(answerTo(question)));
parentPort?.postMessage("up");
