import * as z from "zod/mini";
import { textLengthMax } from "../base/limits.ts";
import { type ApplicationFields, applicationShape, lanePattern } from "./application.ts";
import { isMessageId } from "./message-id.ts";

/** What one agent says to another: text for reading, or any JSON for programs. */
export type MessageBody = { readonly text: string; readonly json?: never } | { readonly json: unknown; readonly text?: never };

const text = z.string().check(z.maxLength(textLengthMax));

export const messageSchema: z.ZodMiniType<MessageBody> = z.union([
  z.object({ ...applicationShape, text, json: z.exactOptional(z.never()) }),
  z
    .object({ ...applicationShape, json: z.unknown(), text: z.exactOptional(z.never()) })
    .check(z.refine((body) => Object.hasOwn(body, "json"))),
]);

interface Judged {
  readonly success: boolean;
  readonly data?: MessageBody;
}

/** The schema's verdict. The form that nearly all messages have needs no schema, which would build them anew and costs half of what reading a small one does. */
export const messageReader: { safeParse(value: unknown): Judged } = {
  safeParse: (value: unknown): Judged => (isPlain(value) ? { success: true, data: value } : messageSchema.safeParse(value)),
};

/** Whether this is a message whose fields the schema would let through as they are, and has no others. What is judged here in a stricter way than there only takes the longer way. */
function isPlain(value: unknown): value is ApplicationFields & MessageBody {
  if (typeof value !== "object" || value === null) return false;
  let needed = 0;
  let contents = 0;
  for (const [name, field] of Object.entries(value)) {
    const isRight = plainFields.get(name);
    if (isRight === undefined || !isRight(field)) return false;
    if (name === "id" || name === "sent_at") needed += 1;
    else if (name === "text" || name === "json") contents += 1;
  }
  return needed === 2 && contents === 1;
}

const isCount = (field: unknown): boolean => Number.isSafeInteger(field) && (field as number) >= 0;
const isPlace = (field: unknown): boolean => isCount(field) && field !== 0;
const isId = (field: unknown): boolean => typeof field === "string" && isMessageId(field);

const plainFields: ReadonlyMap<string, (field: unknown) => boolean> = new Map<string, (field: unknown) => boolean>([
  ["id", isId],
  ["sent_at", isCount],
  ["exp", isCount],
  ["reply_to", isId],
  ["thread", isId],
  ["transient", (field) => field === true],
  ["text", (field) => typeof field === "string" && field.length <= textLengthMax],
  ["json", () => true],
  ["lane", (field) => typeof field === "string" && lanePattern.test(field)],
  ["order", isPlace],
  ["floor", isPlace],
]);
