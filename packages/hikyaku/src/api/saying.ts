/**
 * What a program says of the task it works on. One form serves the lines that it writes and the control interface that takes them: an object with one of these words, and
 * what belongs to it.
 */
import { HikyakuError, limits } from "@hikyaku/protocol";
import { z } from "zod";
import { readPart } from "./request-part.ts";

const detail = z.string().max(limits.taskDetailLengthMax);

export type Saying =
  | { readonly kind: "progress"; readonly progress: number; readonly detail?: string }
  | { readonly kind: "artifact"; readonly artifact: { readonly name: string; readonly content: unknown } }
  | { readonly kind: "partial"; readonly partial: unknown }
  | { readonly kind: "ask"; readonly ask: string }
  | { readonly kind: "result"; readonly result: unknown }
  | { readonly kind: "error"; readonly error: string; readonly code?: string };
type Word = Saying["kind"];

const forms: { readonly [Kind in Word]: z.ZodType<Omit<Extract<Saying, { kind: Kind }>, "kind">> } = {
  progress: z.strictObject({ progress: z.number().min(0).max(1), detail: detail.exactOptional() }),
  artifact: z.strictObject({
    artifact: z.strictObject({ name: z.string().min(1).max(limits.nameLengthMax), content: z.unknown() }),
  }),
  partial: z.strictObject({ partial: z.unknown() }),
  ask: z.strictObject({ ask: detail }),
  result: z.strictObject({ result: z.unknown() }),
  error: z.strictObject({
    error: detail,
    code: z
      .string()
      .regex(/^[A-Z_]{1,64}$/, "1 to 64 capital letters and underscores")
      .exactOptional(),
  }),
};

const words = Object.keys(forms) as readonly Word[];

/** Throws INVALID_ARGUMENT naming what is wrong. */
export function readSaying(body: unknown): Saying {
  const kind = words.find((word) => typeof body === "object" && body !== null && Object.hasOwn(body, word));
  if (kind === undefined) throw new HikyakuError("INVALID_ARGUMENT", `It says none of ${words.join(", ")}.`);
  return { kind, ...readPart<object>(body, forms[kind]) } as Saying;
}
