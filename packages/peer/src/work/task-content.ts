/** Inputs, outputs and artifacts as JSON text, small enough for one message beside what else it says. */
import { encodeUtf8, HikyakuError, limits, readJson } from "@hikyaku/protocol";
import type { TaskEvent } from "../ports/task-store.ts";

/** Room for the fields of a task and of its message. */
const fieldsBytesMax = 8 * 1024 + 4 * limits.taskDetailLengthMax;
const contentBytesMax = limits.bodyBytesMax - fieldsBytesMax;
/** Content stands in a body, or in an artifact in a body. */
const contentDepthMax = limits.bodyDepthMax - 2;

/** Throws INVALID_ARGUMENT where the value is no JSON, MESSAGE_TOO_LARGE where it is too large. `what` begins the sentence: "The input". */
export function jsonText(value: unknown, what: string): string {
  const text = asJson(value, what);
  const bytes = encodeUtf8(text);
  if (bytes.length > contentBytesMax)
    throw new HikyakuError("MESSAGE_TOO_LARGE", `${what} of ${bytes.length} bytes is above the limit of ${contentBytesMax}.`);
  if (readJson(bytes, contentDepthMax) === undefined)
    throw new HikyakuError("INVALID_ARGUMENT", `${what} is nested deeper than ${contentDepthMax} levels, or holds half a letter.`);
  return text;
}

type ReadEvent = Omit<TaskEvent, "output" | "artifact"> & {
  readonly output?: unknown;
  readonly artifact?: { readonly name: string; readonly content: unknown };
};

/** An event as it was kept, with its JSON texts read. */
export const readEvent = ({ output, artifact, ...event }: TaskEvent): ReadEvent => ({
  ...event,
  ...(output === undefined ? {} : { output: JSON.parse(output) as unknown }),
  ...(artifact === undefined ? {} : { artifact: { name: artifact.name, content: JSON.parse(artifact.content) as unknown } }),
});

function asJson(value: unknown, what: string): string {
  try {
    const text = JSON.stringify(value) as string | undefined;
    if (text !== undefined) return text;
  } catch (error) {
    throw new HikyakuError("INVALID_ARGUMENT", `${what} must be JSON.`, { cause: error });
  }
  throw new HikyakuError("INVALID_ARGUMENT", `${what} must be JSON.`);
}
