/** Texts and JSON that a person gives a command: on the command line, in a file, or on standard input. */
import { createReadStream } from "node:fs";
import { decodeUtf8, HikyakuError, limits } from "@hikyaku/protocol";

/** Standard input as text, without the line break at its end. Throws INVALID_ARGUMENT where it is too long or no UTF-8. */
export const readStandardInput = (bytesMax: number): Promise<string> =>
  readText(process.stdin as AsyncIterable<Buffer>, { bytesMax, what: "Standard input" });

/** JSON as it stands, `@path` for a file of it, `-` for standard input. `flag` begins the sentence of a refusal. */
export async function readJsonFrom(given: string, flag: string): Promise<unknown> {
  if (given === "-") return parseJson(await readStandardInput(jsonBytesMax), "Standard input");
  if (given.startsWith("@")) return parseJson(await readFileText(given.slice(1), flag), given);
  return parseJson(given, flag);
}

/** Throws INVALID_ARGUMENT; `what` begins the sentence. */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new HikyakuError("INVALID_ARGUMENT", `${what} wants JSON, such as '{"done":true}'.`, { cause: error });
  }
}

/** More than a message may hold; how much exactly, the peer says. */
const jsonBytesMax = 2 * limits.bodyBytesMax;

async function readFileText(path: string, flag: string): Promise<string> {
  try {
    return await readText(createReadStream(path), { bytesMax: jsonBytesMax, what: path });
  } catch (error) {
    if (error instanceof HikyakuError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new HikyakuError("INVALID_ARGUMENT", `${flag} names the file ${path}, which cannot be read (${code}).`, { cause: error });
  }
}

interface TextBounds {
  readonly bytesMax: number;
  readonly what: string;
}

async function readText(input: AsyncIterable<Buffer>, { bytesMax, what }: TextBounds): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of input) {
    length += chunk.length;
    if (length > bytesMax) throw new HikyakuError("INVALID_ARGUMENT", `${what} may have at most ${bytesMax} bytes: send it in parts.`);
    chunks.push(chunk);
  }
  const text = decodeUtf8(new Uint8Array(Buffer.concat(chunks)));
  if (text === undefined) throw new HikyakuError("INVALID_ARGUMENT", `${what} holds no UTF-8 text: encode it, for example with base64.`);
  return text.replace(/\r?\n$/, "");
}
