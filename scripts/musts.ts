/**
 * The gate between the spec and the tests: `node scripts/musts.ts` reads every numbered must of `spec/*.md` and every citation in tests, examples
 * and contract suites, and fails where a must is cited by nobody, or something is cited that is no must.
 */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export interface MustsReport {
  /** Ids in the order of the spec. */
  readonly musts: readonly string[];
  /** Musts that no test cites. */
  readonly uncited: readonly string[];
  /** Ids that stand before more than one must. */
  readonly doubled: readonly string[];
  /** Citations of what is no must, `path: [ID-1]`. */
  readonly unknown: readonly string[];
}

/** Path to text. */
export type Texts = ReadonlyMap<string, string>;

/** A line of the spec: `- **ENV-1** An envelope has exactly ten fields.` */
const mustPattern = /^- \*\*([A-Z]+-[0-9]+)\*\* \S/gm;
/** In a title or a comment: `[ENV-1]`. */
const citationPattern = /\[([A-Z]+-[0-9]+)\]/g;

const matchesOf = (pattern: RegExp, text: string): readonly string[] => Array.from(text.matchAll(pattern), ([, id = ""]) => id);

export function compareMusts(spec: Texts, tests: Texts): MustsReport {
  const stated = [...spec.values()].flatMap((text) => matchesOf(mustPattern, text));
  const musts = new Set(stated);
  const cited = new Set<string>();
  const unknown = new Set<string>();
  for (const [path, text] of tests) {
    for (const id of matchesOf(citationPattern, text)) {
      cited.add(id);
      if (!musts.has(id)) unknown.add(`${path}: [${id}]`);
    }
  }
  return {
    musts: [...musts],
    uncited: [...musts].filter((id) => !cited.has(id)),
    doubled: [...musts].filter((id) => stated.indexOf(id) !== stated.lastIndexOf(id)),
    unknown: [...unknown],
  };
}

/** Lines for a person, and whether the gate stays shut. A spec without a single must has been misread, so that is shut too. */
export function describeReport({ musts, uncited, doubled, unknown }: MustsReport): {
  readonly lines: readonly string[];
  readonly isSound: boolean;
} {
  const complaints = [
    ...uncited.map((id) => `no test cites ${id}`),
    ...doubled.map((id) => `${id} stands before more than one must`),
    ...unknown.map((citation) => `${citation} is no must of the spec`),
    ...(musts.length === 0 ? ["the spec states no must at all"] : []),
  ];
  return { lines: [...complaints, `${musts.length} musts, ${complaints.length} complaints`], isSound: complaints.length === 0 };
}

const root = fileURLToPath(new URL("..", import.meta.url));

function readTexts(...patterns: readonly string[]): Texts {
  const paths = globSync(patterns, { cwd: root, exclude: (path) => path === "node_modules" || path === "dist" });
  return new Map(paths.toSorted().map((path) => [path, readFileSync(join(root, path), "utf8")]));
}

/** The gate has a test of its own, whose made-up ids are no citations. */
const testPatterns = ["packages/*/src/**/*.test.ts", "rooms/*.test.ts", "examples/**/*.ts", "packages/testkit/src/contracts/**/*.ts"];

if (import.meta.main) {
  const { lines, isSound } = describeReport(compareMusts(readTexts("spec/*.md"), readTexts(...testPatterns)));
  for (const line of lines) console.log(line);
  process.exitCode = isSound ? 0 : 1;
}
