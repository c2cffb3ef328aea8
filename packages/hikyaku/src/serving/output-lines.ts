/** A program's output, line by line and in bounds: a program can write without end, and without a line break. */
import { type Bytes, concatBytes, limits } from "@hikyaku/protocol";

export const lineBytesMax: number = limits.bodyBytesMax;
const outputBytesMax = 64 * 1024 * 1024;
const linesMax = 100_000;

/** The program wrote what cannot be taken; the message says so to whoever asked for the work. */
export class UnfitOutput extends Error {}

const lineBreak = 0x0a;

/** Each line without its end. Throws UnfitOutput above a bound. Reading no further holds the program up. */
export async function* linesOf(output: AsyncIterable<Bytes>): AsyncGenerator<Bytes, void> {
  const cutter = new LineCutter();
  for await (const chunk of output) yield* cutter.cut(chunk);
  yield* cutter.rest();
}

class LineCutter {
  #parts: Bytes[] = [];
  #length = 0;
  #lines = 0;
  #total = 0;

  *cut(chunk: Bytes): Generator<Bytes, void> {
    this.#total += chunk.length;
    if (this.#total > outputBytesMax) throw new UnfitOutput(`The program wrote more than ${outputBytesMax} bytes.`);
    let from = 0;
    for (let at = chunk.indexOf(lineBreak); at >= 0; at = chunk.indexOf(lineBreak, from)) {
      this.#add(chunk.subarray(from, at));
      yield* this.rest();
      from = at + 1;
    }
    this.#add(chunk.subarray(from));
  }

  /** What has no line break behind it yet. */
  *rest(): Generator<Bytes, void> {
    const line = concatBytes(...this.#parts);
    this.#parts = [];
    this.#length = 0;
    this.#lines += 1;
    if (this.#lines > linesMax) throw new UnfitOutput(`The program wrote more than ${linesMax} lines.`);
    yield line;
  }

  #add(part: Bytes): void {
    this.#length += part.length;
    if (this.#length > lineBytesMax) throw new UnfitOutput(`The program wrote a line of more than ${lineBytesMax} bytes.`);
    if (part.length > 0) this.#parts.push(part);
  }
}
