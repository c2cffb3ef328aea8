/** The forms of arguments that several tools share. */
import { limits } from "@hikyaku/protocol";
import { z } from "zod";
import { charactersDefault, charactersMax, entriesDefault, entriesMax, waitSecondsMax } from "./bounds.ts";

export const peer: z.ZodType<string> = z
  .string()
  .min(1)
  .max(limits.idLengthMax)
  .describe("A peer's name, as list_peers shows it, or its did");
export const task: z.ZodType<string> = z.string().min(1).max(limits.idLengthMax).describe("A task's id, or the beginning of it");
export const limit: z.ZodType<number> = z.int().min(1).max(entriesMax).default(entriesDefault).describe("At most so many");
export const characters: z.ZodType<number> = z
  .int()
  .min(1)
  .max(charactersMax)
  .default(charactersDefault)
  .describe("Of each content at most so many characters; the rest is left out and its length told");
export const waitSeconds = (what: string, byDefault: number): z.ZodType<number> =>
  z.number().min(0).max(waitSecondsMax).default(byDefault).describe(what);
