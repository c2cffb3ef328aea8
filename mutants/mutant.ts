/** One mutant: a rule of the spec, the line that carries it out taken away or bent, and the test that must notice. */

export interface Mutant {
  /** The rule of `spec/protocol.md` that no longer holds once the text is replaced. */
  readonly must: string;
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly text: string;
  readonly replacement: string;
  /** The test file that must fail. */
  readonly test: string;
  /** Part of the names of the tests to run, where the whole file takes too long. */
  readonly title?: string;
}

export type Mutation =
  | { readonly kind: "mutated"; readonly source: string; readonly line: number }
  | { readonly kind: "broken"; readonly why: string };

/** The source with the mutant's text replaced, as it stands: no `$` of the replacement has a meaning. */
export function mutate(source: string, { text, replacement }: Pick<Mutant, "text" | "replacement">): Mutation {
  if (text === "") return { kind: "broken", why: "the text to replace is empty" };
  if (text === replacement) return { kind: "broken", why: "the replacement is the text itself" };
  const at = source.indexOf(text);
  if (at < 0) return { kind: "broken", why: "the text does not occur in the file" };
  if (source.includes(text, at + 1)) return { kind: "broken", why: "the text occurs more than once in the file" };
  const line = source.slice(0, at).split("\n").length;
  return { kind: "mutated", source: source.slice(0, at) + replacement + source.slice(at + text.length), line };
}
