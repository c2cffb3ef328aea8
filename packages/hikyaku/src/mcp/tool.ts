/** What a tool is: its words for the agent, the form of its arguments, and what it does. */
import type { ToolAnnotations } from "@modelcontextprotocol/server";
import type { z } from "zod";
import type { Control } from "./control.ts";

export interface ToolCall {
  readonly control: Control;
  /** Aborts when the client takes the call back or has gone. */
  readonly signal: AbortSignal;
  /** Tells the client how far it is, from 0 to 1, where it asked to be told. */
  readonly progress: (progress: number, sentence: string) => Promise<void>;
}

interface ToolOf<Input> {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly annotations: ToolAnnotations;
  readonly input: z.ZodType<Input>;
  /** Resolves with what the agent gets. Rejects with a HikyakuError, whose sentence the agent gets. */
  readonly run: (input: Input, call: ToolCall) => Promise<object>;
}

export interface Tool extends Omit<ToolOf<unknown>, "run"> {
  /** Judges the arguments by their form first. */
  readonly run: (given: unknown, call: ToolCall) => Promise<object>;
}

/** Ties the arguments' form to what is done with them; from outside tools of all arguments look alike. */
export const tool = <Input>({ run, input, ...words }: ToolOf<Input>): Tool => ({
  ...words,
  input,
  run: async (given, call) => await run(input.parse(given), call),
});

/** It changes nothing, here or elsewhere. */
export const looks: ToolAnnotations = { readOnlyHint: true, openWorldHint: false };
/** It asks another peer and changes nothing. */
export const asks: ToolAnnotations = { readOnlyHint: true, openWorldHint: true };
/** It reaches another peer, and saying it twice is not the same as once. */
export const acts: ToolAnnotations = { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true };
/** It ends something that goes on. */
export const ends: ToolAnnotations = { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: true };
