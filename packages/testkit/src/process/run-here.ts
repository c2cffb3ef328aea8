/** A command line in this very process, for what only differs in its words: a process of its own costs half a second. */
import type { Outcome } from "./program.ts";

export type Said = Pick<Outcome, "code" | "stdout" | "stderr">;

/** Runs one after another, since they share the standard streams, which are caught meanwhile. */
export function runHere(run: (words: readonly string[]) => Promise<number>): (words: readonly string[]) => Promise<Said> {
  let last: Promise<unknown> = Promise.resolve();
  return (words) => {
    const done = last.then(() => caught(run, words));
    last = done.catch(() => undefined);
    return done;
  };
}

async function caught(run: (words: readonly string[]) => Promise<number>, words: readonly string[]): Promise<Said> {
  const said = { stdout: "", stderr: "" };
  const names = ["stdout", "stderr"] as const;
  const real = names.map((name) => process[name].write.bind(process[name]));
  for (const name of names)
    process[name].write = (text: string | Uint8Array, ...rest: readonly unknown[]): boolean => {
      said[name] += String(text);
      const told = rest.find((one) => typeof one === "function") as (() => void) | undefined;
      told?.();
      return true;
    };
  try {
    const code = await run(words);
    return { code, ...said };
  } finally {
    for (const [at, name] of names.entries()) process[name].write = real[at] as typeof process.stdout.write;
  }
}
