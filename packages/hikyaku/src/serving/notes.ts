/** What a program writes for whoever runs it, on its standard error: line by line, as far as anybody would read. What is beyond that is swallowed, so that the program is not held up. */

const noteLengthMax = 4096;
const notesBytesMax = 1024 * 1024;

interface Errors extends AsyncIterable<unknown> {
  setEncoding(encoding: "utf8"): unknown;
}

/** Resolves at its end. With `renewMs` a program that lives for long may write as much again after every such time. */
export async function readNotes(errors: Errors, note: (line: string) => void, renewMs: number = Number.POSITIVE_INFINITY): Promise<void> {
  errors.setEncoding("utf8");
  let left = notesBytesMax;
  let renewAt = performance.now() + renewMs;
  let text = "";
  try {
    for await (const chunk of errors as AsyncIterable<string>) {
      if (performance.now() >= renewAt) {
        left = notesBytesMax;
        renewAt = performance.now() + renewMs;
      }
      text += chunk.slice(0, left);
      left -= Math.min(left, chunk.length);
      const lines = text.length > noteLengthMax ? `${text}\n`.split("\n") : text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) note(line.slice(0, noteLengthMax));
    }
  } catch {
    // What it had left to say, nobody hears.
  }
  if (text !== "") note(text.slice(0, noteLengthMax));
}
