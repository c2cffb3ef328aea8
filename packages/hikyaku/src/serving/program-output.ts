/**
 * What a program's standard output means. Where its first line is an object made of our words, every line is one: progress, artifact, partial, ask, and once, as the last,
 * result or error. Where it is anything else, all of the output is one JSON document, and that is the result.
 */
import { type Bytes, concatBytes, encodeUtf8, limits, readJson } from "@hikyaku/protocol";
import type { ProgramEnd } from "./child-program.ts";
import { lineBytesMax, UnfitOutput } from "./output-lines.ts";
import type { Said } from "./run.ts";

const lastWords: readonly string[] = ["result", "error"];
const words: readonly string[] = ["progress", "artifact", "partial", "ask", ...lastWords];
/** What may stand beside them. */
const sideWords: readonly string[] = ["detail", "code"];

export class ProgramOutput {
  readonly #tell: (said: Said) => Promise<void>;
  /** The lines of the one document, where it is one. */
  #document: Bytes[] | undefined;
  #documentBytes = 0;
  #lines = 0;
  #hasSaid = false;
  #last: Said | undefined;

  /** `tell` gets every line but the last word; it throws UnfitOutput where a line is not understood. */
  constructor(tell: (said: Said) => Promise<void>) {
    this.#tell = tell;
  }

  /** Throws UnfitOutput where the line cannot be taken. */
  async take(line: Bytes): Promise<void> {
    this.#lines += 1;
    if (this.#document !== undefined) return this.#addToDocument(this.#document, line);
    if (isBlank(line)) return;
    const said = saidIn(line);
    if (said !== undefined) return await this.#hear(said);
    if (this.#hasSaid) throw new UnfitOutput(`Line ${this.#lines} of the program's output is no JSON object made of ${words.join(", ")}.`);
    this.#document = [];
    this.#addToDocument(this.#document, line);
  }

  /** The last word on the task, once the program has ended: its own, or ours on how it ended. */
  ending(end: ProgramEnd): Said {
    if (end.kind === "unstarted") return { error: "The program could not be started." };
    if (this.#last !== undefined && "error" in this.#last) return this.#last;
    if (end.kind === "killed") return { error: `The program was ended by ${end.signal}.` };
    if (end.code !== 0) return { error: `The program ended with code ${end.code}.` };
    if (this.#document !== undefined) return documentIn(this.#document);
    return this.#last ?? { error: "The program ended without a result." };
  }

  async #hear(said: Said): Promise<void> {
    this.#hasSaid = true;
    if (this.#last !== undefined) throw new UnfitOutput("The program wrote something after its result.");
    if (lastWords.some((word) => Object.hasOwn(said, word))) this.#last = said;
    else await this.#tell(said);
  }

  #addToDocument(document: Bytes[], line: Bytes): void {
    this.#documentBytes += line.length + 1;
    if (this.#documentBytes > lineBytesMax)
      throw new UnfitOutput(`The program's output is no JSON lines, and has more than ${lineBytesMax} bytes.`);
    document.push(line, encodeUtf8("\n"));
  }
}

function documentIn(parts: readonly Bytes[]): Said {
  const result = readJson(concatBytes(...parts), limits.bodyDepthMax);
  return result === undefined ? { error: "The program's output is neither JSON lines nor one JSON document." } : { result };
}

/** Undefined where it is no object, has none of our words, or a field that is no word of ours. */
function saidIn(line: Bytes): Said | undefined {
  const value = readJson(line, limits.bodyDepthMax);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const fields = Object.keys(value);
  const isSaid = fields.some((field) => words.includes(field)) && fields.every((field) => [...words, ...sideWords].includes(field));
  return isSaid ? (value as Said) : undefined;
}

const isBlank = (line: Bytes): boolean => line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
