/**
 * One run of a decoder against mutated bytes. What has to hold of every decoder is judged here: it ends with its own outcome and never by an exception, it is
 * quick, it changes no prototype, and what it accepts it writes again byte for byte.
 */
import type { Bytes } from "@hikyaku/protocol";
import fc from "fast-check";
import { mutated } from "./mutation.ts";

export interface Trial {
  readonly corpus: readonly Bytes[];
  /** What was accepted, written again; undefined where the bytes were refused. */
  readonly reencode: (bytes: Bytes) => Bytes | undefined;
  readonly runs: number;
  /** What is generated beside the mutated corpus. */
  readonly beside?: fc.Arbitrary<Bytes>;
}

export interface Tally {
  readonly accepted: number;
  readonly refused: number;
  readonly medianMs: number;
  readonly slowestMs: number;
}

/** The same in every run, so that what fails in one place fails everywhere; fast-check prints it with what failed. */
export const fuzzSeed = 7340;

/** Throws, with seed and smallest input, at the first input that breaks a rule. */
export function fuzz({ corpus, reencode, runs, beside }: Trial): Tally {
  const prototypes = prototypeKeys();
  const times: number[] = [];
  let accepted = 0;
  const judge = (bytes: Bytes): void => {
    const given = bytes.slice();
    const beganAt = performance.now();
    const again = reencode(bytes);
    times.push(performance.now() - beganAt);
    if (again !== undefined) accepted += 1;
    if (again !== undefined && !isSame(again, given)) throw new Error("what was accepted is written in other bytes");
    if (!isSame(bytes, given)) throw new Error("the decoder changed its input");
    if (prototypeKeys() !== prototypes) throw new Error("a prototype was changed");
  };
  const inputs = beside === undefined ? mutated(corpus) : fc.oneof({ weight: 4, arbitrary: mutated(corpus) }, beside);
  fc.assert(fc.property(inputs, judge), { numRuns: runs, seed: fuzzSeed, examples: corpus.map((bytes): [Bytes] => [bytes]) });
  times.sort((left, right) => left - right);
  return {
    accepted,
    refused: times.length - accepted,
    medianMs: times[times.length >> 1] ?? 0,
    slowestMs: times.at(-1) ?? 0,
  };
}

/** Every name that a plain object, list or text would inherit. */
const prototypeKeys = (): string =>
  [Object.prototype, Array.prototype, String.prototype].map((prototype) => Reflect.ownKeys(prototype).map(String).join()).join(";");

const isSame = (one: Bytes, other: Bytes): boolean => one.length === other.length && one.every((value, index) => value === other[index]);
