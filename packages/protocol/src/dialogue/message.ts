import * as z from "zod/mini";
import { textLengthMax } from "../base/limits.ts";
import { applicationShape } from "./application.ts";

/** What one agent says to another: text for reading, or any JSON for programs. */
export type MessageBody = { readonly text: string; readonly json?: never } | { readonly json: unknown; readonly text?: never };

const text = z.string().check(z.maxLength(textLengthMax));

export const messageSchema: z.ZodMiniType<MessageBody> = z.union([
  z.object({ ...applicationShape, text, json: z.exactOptional(z.never()) }),
  z
    .object({ ...applicationShape, json: z.unknown(), text: z.exactOptional(z.never()) })
    .check(z.refine((body) => Object.hasOwn(body, "json"))),
]);
