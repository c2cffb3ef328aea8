/**
 * What a log may say of a failure (spec KEY-6). The sentence of a HikyakuError is ours and is told; of anything else it is told what kind it is and where
 * it happened, and never the message: a parser's message quotes what it read, and what it read may be a letter or a key.
 */
import { HikyakuError } from "@hikyaku/protocol";

/** One field for a log line. */
export function traceOf(error: unknown): string {
  if (error instanceof HikyakuError) return `${error.code}: ${error.message}`;
  if (!(error instanceof Error)) return typeof error;
  const kind = kindPattern.test(error.name) ? error.name : "Error";
  const place = placeOf(error);
  return place === undefined ? kind : `${kind} ${place}`;
}

const kindPattern = /^[A-Z][A-Za-z]{0,40}$/;
const placePattern = /^\s+at (?:[\w.<>#$ [\]]{1,100} \()?(?:file:\/\/|node:|\/)[^\s()]{1,300}:\d+:\d+\)?$/;

/** The first place of the stack behind the message, which may have lines that look like places. */
function placeOf({ stack = "", message }: Error): string | undefined {
  const begin = stack.indexOf(message);
  if (begin < 0) return undefined;
  const lines = stack.slice(begin + message.length).split("\n");
  return lines.find((line) => placePattern.test(line))?.trim();
}
